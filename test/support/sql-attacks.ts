/**
 * Statements that the gate of the SQL sandbox must refuse, one a line; `secret_table` is there but not among the tables
 * that may be read. Nothing here may run even once, so the list is used with a real process and a real file.
 */
export const ATTACKS: readonly string[] = [
  ...`
from enable_logging(storage_path='/tmp/x')
select * from enable_logging(storage='stdout')
from enable_profiling()
from disable_logging()
from read_csv('/etc/passwd')
from read_text('/etc/passwd')
from '/etc/passwd'
from 'x.parquet'
from glob('/*')
from duckdb_settings()
from duckdb_secrets()
from duckdb_settings
from pragma_table_info('events')
from information_schema.tables
from pg_catalog.pg_class
from sqlite_master
from secret_table
from main.secret_table
from snapshot.main.secret_table
from query('select 1')
from query_table('secret_table')
from json_execute_serialized_sql('x')
copy events to '/tmp/x.csv'
copy (select 1) to '/tmp/x.csv'
attach '/tmp/x.db'
detach snapshot
use memory
pragma version
pragma enable_profiling
call pragma_version()
set memory_limit='10GB'
reset threads
checkpoint
insert into sessions values ('x', 1)
update sessions set n = 1
delete from sessions
drop table sessions
create table x(i int)
create temp table x as select 1
alter table sessions add column y int
install httpfs
load httpfs
export database '/tmp/x'
import database '/tmp/x'
begin
vacuum
analyze
prepare p as select 1
execute p
explain analyze select 1
EXPLAIN  ANALYZE select 1
explain/**/analyze select 1
explain (analyze) select 1
explain (format json) select 1
explain copy events to 'x'
select 1; select 2
select 1; drop table sessions
select 1;;select 2
/* */ select 1 /* ; */; select 2
;
-- nothing
show tables
show all tables
describe secret_table
summarize secret_table
select * from (from secret_table)
select (select word from secret_table)
select 1 where exists (from secret_table)
select 1 union select word from secret_table
from sessions, secret_table
from sessions left join secret_table on true
with secret_table as (select * from secret_table) select * from secret_table
with a as (from b), b as (from secret_table) from a
with a as (select * from later_one), later_one as (select 1) from a
select * from (with secret_table as (select 1) from secret_table), secret_table
with recursive secret_table as (select * from secret_table union all select 'x') from secret_table
with x as (select 1) from main.x
select list_transform([1], x -> (select count(*) from secret_table))
select sum(n) filter (where n in (select 1 from secret_table)) from sessions
select row_number() over (order by (select word from secret_table)) from sessions
from sessions order by (select word from secret_table)
from sessions limit (select count(*) from secret_table)
select case when true then (from secret_table) end
values ((select word from secret_table))
select write_log('x')
select getenv('HOME')
select sleep_ms(10000)
select pg_sleep(10)
select json_deserialize_sql('x')
select nextval('x')
select $1
select ?
select repeat('x', 1000000000)
select repeat(repeat('x', 9999), 9999)
select repeat('x', n) from sessions
select repeat('x', '1000000000')
select repeat('x', 1000000000::bigint)
from repeat('x', 1000000000)
select lpad('x', 1000000000, 'y')
select rpad('x', n, 'y') from sessions
select printf('%1000000000d', 1)
select printf('%*d', 1000000000, 1)
select format('{:>1000000000}', 'x')
select format('{:{}}', 1, 1000000000)
select printf(data::varchar) from events
select range(1000000000)
select generate_series(1, 1000000000)
select range(0, n) from sessions
from range(100000000000)
select list_transform(range(100000), x -> range(100000))
select bar(1, 0, 1, 1000000000)
select list_resize([1], 1000000000)
select bitstring('1', 1000000000)
select to_base(1, 2, 1000000000)
select levenshtein(data::varchar, data::varchar) from events
select damerau_levenshtein(left('a', 100000), 'b')
table secret_table
from sessions at (version => 1)
select * from sessions positional join secret_table
select * from sessions semi join secret_table on true
unpivot secret_table on word
from (pivot secret_table on word using count(*))
from (unpivot secret_table on word)
select columns(*) from secret_table
`
    .trim()
    .split("\n"),
  "select 1 -- \n; select 2",
  "select 'a' --'; \n; drop table sessions",
  "",
  "  ",
  "select 1\0; drop table sessions",
];

create table _rollups(rollup VARCHAR, id VARCHAR, time TIMESTAMP, k0 VARCHAR, k1 VARCHAR, k2 VARCHAR, k3 VARCHAR, k4 VARCHAR, k5 VARCHAR, s0 BIGINT, s1 BIGINT, s2 BIGINT, s3 BIGINT, s4 BIGINT, s5 BIGINT, s6 BIGINT, s7 BIGINT, s8 BIGINT, s9 BIGINT, s10 BIGINT, s11 BIGINT, s12 BIGINT, s13 BIGINT, s14 BIGINT, s15 BIGINT, count BIGINT, sum DOUBLE, min DOUBLE, max DOUBLE, p50 DOUBLE, p95 DOUBLE, p99 DOUBLE, sketch BLOB, first_seq BIGINT);

-- alert_history, version 1
create table if not exists "alert_history"("event_id" UUID, "alert" VARCHAR, "time" TIMESTAMP, "what" VARCHAR, "actor" VARCHAR, "value" DOUBLE, "note" VARCHAR);

-- alerts, version 1
create table if not exists "alerts"("id" VARCHAR, "rule" VARCHAR, "status" VARCHAR, "severity" VARCHAR, "raised_at" TIMESTAMP, "acknowledged_by" VARCHAR, "resolved_at" TIMESTAMP, "series" VARCHAR, "message" VARCHAR, "value" DOUBLE, "times" BIGINT, "last_at" TIMESTAMP, "acknowledged_at" TIMESTAMP, "resolved_by" VARCHAR, "note" VARCHAR, "session" VARCHAR, "first_seq" BIGINT);

-- anomalies, version 1
create table if not exists "anomalies"("event_id" UUID, "series" VARCHAR, "time" TIMESTAMP, "kind" VARCHAR, "severity" VARCHAR, "score" DOUBLE, "value" DOUBLE, "expected_low" DOUBLE, "expected_high" DOUBLE, "method" VARCHAR, "session" VARCHAR, "cause" UUID);

-- audit, version 2
create table if not exists "audit"("event_id" UUID, "time" TIMESTAMP, "actor" VARCHAR, "action" VARCHAR, "about" VARCHAR);

-- branches, version 1
create table if not exists "branches"("time" TIMESTAMP, "project" VARCHAR, "branch" VARCHAR, "action" VARCHAR, "from_branch" VARCHAR, "sha" VARCHAR, "event_id" UUID);

-- commits, version 1
create table if not exists "commits"("commit" VARCHAR, "sha" VARCHAR, "time" TIMESTAMP, "session" VARCHAR, "call" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "kind" VARCHAR, "message" VARCHAR, "author" VARCHAR, "files" BIGINT, "pull_request" BIGINT, "event_id" UUID, "first_seq" BIGINT);

-- coverage, version 1
create or replace view "coverage" as select k0 as "session", k1 as "fact", k2 as "sources", s0 as "facts", max from _rollups where rollup = 'coverage' and not (count = 0 and s0 = 0);

-- events, version 1
create table if not exists "events"("id" UUID, "source" VARCHAR, "time" TIMESTAMP, "subject" VARCHAR, "session" VARCHAR, "cause" UUID, "traceparent" VARCHAR, "via" VARCHAR, "producer" VARCHAR, "epoch" BIGINT, "n" BIGINT, "fact" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "assistant" VARCHAR, "actor" VARCHAR, "type" VARCHAR, "v" BIGINT, "data" VARCHAR, "stream_seq" BIGINT);

-- files, version 2
create table if not exists "files"("change" VARCHAR, "path" VARCHAR, "action" VARCHAR, "time" TIMESTAMP, "session" VARCHAR, "project" VARCHAR, "call" VARCHAR, "lines_added" BIGINT, "lines_removed" BIGINT, "from_path" VARCHAR, "files" BIGINT, "source" VARCHAR, "event_id" UUID, "first_seq" BIGINT);

-- forgotten_sessions, version 1
create table if not exists "forgotten_sessions"("event_id" UUID, "session" VARCHAR, "time" TIMESTAMP, "actor" VARCHAR, "reason" VARCHAR);

-- gaps, version 1
create table if not exists "gaps"("event_id" UUID, "time" TIMESTAMP, "what" VARCHAR, "of" VARCHAR, "epoch" BIGINT, "first" BIGINT, "last" BIGINT, "events" BIGINT, "place" VARCHAR);

-- logs, version 1
create table if not exists "logs"("event_id" UUID, "session" VARCHAR, "time" TIMESTAMP, "name" VARCHAR, "severity" VARCHAR, "severity_number" BIGINT, "body" VARCHAR, "service" VARCHAR, "scope" VARCHAR, "trace_id" VARCHAR, "span_id" VARCHAR, "attributes" VARCHAR, "resource" VARCHAR);

-- mcp_calls, version 3
create table if not exists "mcp_calls"("event_id" UUID, "session" VARCHAR, "time" TIMESTAMP, "server" VARCHAR, "method" VARCHAR, "tool" VARCHAR, "duration_ms" DOUBLE, "success" BOOLEAN, "error" VARCHAR, "error_type" VARCHAR, "result_type" VARCHAR, "round" BIGINT, "cpu" DOUBLE, "memory_mb" DOUBLE, "disk_io_kb" DOUBLE, "request_bytes" BIGINT, "response_bytes" BIGINT, "protocol" VARCHAR, "client" VARCHAR, "project" VARCHAR, "request_id" VARCHAR, "call_id" VARCHAR, "mcp_session" VARCHAR, "traceparent" VARCHAR, "input" VARCHAR, "output" VARCHAR);

-- measurements, version 2
create table if not exists "measurements"("event_id" UUID, "time" TIMESTAMP, "session" VARCHAR, "name" VARCHAR, "value" DOUBLE, "unit" VARCHAR, "labels" VARCHAR, "kind" VARCHAR, "count" BIGINT, "sum" DOUBLE, "min" DOUBLE, "max" DOUBLE, "buckets" VARCHAR);

-- metrics_minute, version 2
create or replace view "metrics_minute" as select time, k0 as "name", k1 as "labels", k2 as "unit", count, sum, min, max, p50, p95, p99, sketch from _rollups where rollup = 'metrics_minute' and not (count = 0 and true);
create or replace view "metrics_hour" as select time, k0 as "name", k1 as "labels", k2 as "unit", count, sum, min, max, p50, p95, p99, sketch from _rollups where rollup = 'metrics_hour' and not (count = 0 and true);
create or replace view "metrics_day" as select time, k0 as "name", k1 as "labels", k2 as "unit", count, sum, min, max, p50, p95, p99, sketch from _rollups where rollup = 'metrics_day' and not (count = 0 and true);

-- model_calls, version 2
create table if not exists "model_calls"("call" VARCHAR, "session" VARCHAR, "time" TIMESTAMP, "model" VARCHAR, "provider" VARCHAR, "input_tokens" BIGINT, "output_tokens" BIGINT, "cache_creation_tokens" BIGINT, "cache_read_tokens" BIGINT, "cost_usd" DOUBLE, "cache_creation_1h_tokens" BIGINT, "reasoning_tokens" BIGINT, "duration_ms" DOUBLE, "speed" VARCHAR, "stop_reason" VARCHAR, "success" BOOLEAN, "error" VARCHAR, "reported_cost_usd" DOUBLE, "price" VARCHAR, "message_id" VARCHAR, "request_id" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "assistant" VARCHAR, "agent" VARCHAR, "event_id" UUID, "sources" VARCHAR, "parts" VARCHAR, "first_seq" BIGINT);

-- producers, version 1
create or replace view "producers" as select k0 as "producer", k1 as "epoch", k2 as "via", s0 as "events", max from _rollups where rollup = 'producers' and not (count = 0 and s0 = 0);

-- prompts, version 2
create table if not exists "prompts"("prompt" VARCHAR, "session" VARCHAR, "time" TIMESTAMP, "text" VARCHAR, "chars" BIGINT, "kind" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "assistant" VARCHAR, "event_id" UUID, "sources" VARCHAR, "parts" VARCHAR, "first_seq" BIGINT);

-- pull_requests, version 1
create table if not exists "pull_requests"("link" VARCHAR, "time" TIMESTAMP, "number" BIGINT, "repository" VARCHAR, "url" VARCHAR, "action" VARCHAR, "session" VARCHAR, "call" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "event_id" UUID, "first_seq" BIGINT);

-- rejected, version 1
create table if not exists "rejected"("id" UUID, "time" TIMESTAMP, "reason" VARCHAR, "detail" VARCHAR, "source" VARCHAR, "input_type" VARCHAR, "input_id" VARCHAR, "original" BLOB, "content_type" VARCHAR, "part" BIGINT, "parts" BIGINT, "events" BIGINT, "status" VARCHAR, "sent" UUID, "first_seq" BIGINT);

-- session_facts, version 2
create table if not exists "session_facts"("session" VARCHAR, "started_at" TIMESTAMP, "last_event_at" TIMESTAMP, "ended_at" TIMESTAMP, "end_reason" VARCHAR, "assistant" VARCHAR, "assistant_version" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "model" VARCHAR, "title" VARCHAR, "parent" VARCHAR, "entrypoint" VARCHAR, "assistant_at" TIMESTAMP, "project_at" TIMESTAMP, "branch_at" TIMESTAMP, "model_at" TIMESTAMP, "title_at" TIMESTAMP, "first_seq" BIGINT);

-- session_totals, version 1
create or replace view "session_totals" as select k0 as "session", s0 as "prompts", s1 as "tool_calls", s2 as "tool_errors", s3 as "model_calls", s4 as "input_tokens", s5 as "output_tokens", s6 as "cache_creation_tokens", s7 as "cache_read_tokens", s8 / 1000000000::double as "cost_usd", s9 as "unpriced_calls", s10 as "files_changed", s11 as "commits", max from _rollups where rollup = 'session_totals' and not (count = 0 and s0 = 0 and s1 = 0 and s2 = 0 and s3 = 0 and s4 = 0 and s5 = 0 and s6 = 0 and s7 = 0 and s8 = 0 and s9 = 0 and s10 = 0 and s11 = 0);

-- sessions, version 1
create or replace view "sessions" as select f.session, f.assistant, f.assistant_version, f.project, f.branch, f.model, f.title, f.parent, f.started_at, f.last_event_at,
  f.ended_at, f.end_reason, epoch_ms(f.last_event_at) - epoch_ms(f.started_at)::double as duration_ms,
  coalesce(t.prompts, 0) as prompts, coalesce(t.tool_calls, 0) as tool_calls, coalesce(t.tool_errors, 0) as tool_errors, coalesce(t.model_calls, 0) as model_calls, coalesce(t.input_tokens, 0) as input_tokens, coalesce(t.output_tokens, 0) as output_tokens, coalesce(t.cache_creation_tokens, 0) as cache_creation_tokens, coalesce(t.cache_read_tokens, 0) as cache_read_tokens, coalesce(t.cost_usd, 0) as cost_usd, coalesce(t.unpriced_calls, 0) as unpriced_calls, coalesce(t.files_changed, 0) as files_changed, coalesce(t.commits, 0) as commits
from session_facts f left join session_totals t on t.session = f.session;

-- spans, version 1
create table if not exists "spans"("event_id" UUID, "session" VARCHAR, "started_at" TIMESTAMP, "time" TIMESTAMP, "duration_ms" DOUBLE, "name" VARCHAR, "service" VARCHAR, "scope" VARCHAR, "kind" VARCHAR, "status" VARCHAR, "status_message" VARCHAR, "trace_id" VARCHAR, "span_id" VARCHAR, "parent_span_id" VARCHAR, "attributes" VARCHAR, "events" VARCHAR, "links" VARCHAR, "resource" VARCHAR, "dropped" BIGINT);

-- thresholds, version 2
create table if not exists "thresholds"("name" VARCHAR, "metric" VARCHAR, "labels" VARCHAR, "above" DOUBLE, "below" DOUBLE, "severity" VARCHAR, "removed" VARCHAR, "set_at" TIMESTAMP, "set_by" VARCHAR, "first_seq" BIGINT);

-- tool_calls, version 3
create table if not exists "tool_calls"("call" VARCHAR, "session" VARCHAR, "time" TIMESTAMP, "tool" VARCHAR, "mcp_server" VARCHAR, "duration_ms" DOUBLE, "success" BOOLEAN, "error" VARCHAR, "status" VARCHAR, "project" VARCHAR, "branch" VARCHAR, "assistant" VARCHAR, "agent" VARCHAR, "input" VARCHAR, "output" VARCHAR, "input_bytes" BIGINT, "output_bytes" BIGINT, "file_path" VARCHAR, "cpu" DOUBLE, "memory_mb" DOUBLE, "event_id" UUID, "sources" VARCHAR, "parts" VARCHAR, "first_seq" BIGINT);

-- tool_usage_hourly, version 1
create or replace view "tool_usage_hourly" as select time, k0 as "tool", k1 as "mcp_server", k2 as "project", s0 as "calls", s1 as "errors", s2 as "denied", s3 as "input_bytes", s4 as "output_bytes", count, sum, min, max, p50, p95, p99, sketch from _rollups where rollup = 'tool_usage_hourly' and not (count = 0 and s0 = 0 and s1 = 0 and s2 = 0 and s3 = 0 and s4 = 0);
create or replace view "tool_usage_daily" as select time, k0 as "tool", k1 as "mcp_server", k2 as "project", s0 as "calls", s1 as "errors", s2 as "denied", s3 as "input_bytes", s4 as "output_bytes", count, sum, min, max, p50, p95, p99, sketch from _rollups where rollup = 'tool_usage_daily' and not (count = 0 and s0 = 0 and s1 = 0 and s2 = 0 and s3 = 0 and s4 = 0);

-- usage_hourly, version 1
create or replace view "usage_hourly" as select time, k0 as "model", k1 as "project", k2 as "assistant", s0 as "calls", s1 as "errors", s2 as "input_tokens", s3 as "output_tokens", s4 as "cache_creation_tokens", s5 as "cache_read_tokens", s6 / 1000000000::double as "cost_usd", s7 as "unpriced_calls", max from _rollups where rollup = 'usage_hourly' and not (count = 0 and s0 = 0 and s1 = 0 and s2 = 0 and s3 = 0 and s4 = 0 and s5 = 0 and s6 = 0 and s7 = 0);
create or replace view "usage_daily" as select time, k0 as "model", k1 as "project", k2 as "assistant", s0 as "calls", s1 as "errors", s2 as "input_tokens", s3 as "output_tokens", s4 as "cache_creation_tokens", s5 as "cache_read_tokens", s6 / 1000000000::double as "cost_usd", s7 as "unpriced_calls", max from _rollups where rollup = 'usage_daily' and not (count = 0 and s0 = 0 and s1 = 0 and s2 = 0 and s3 = 0 and s4 = 0 and s5 = 0 and s6 = 0 and s7 = 0);

-- watched_paths, version 1
create table if not exists "watched_paths"("path" VARCHAR, "watched" BOOLEAN, "set_at" TIMESTAMP, "set_by" VARCHAR, "first_seq" BIGINT);

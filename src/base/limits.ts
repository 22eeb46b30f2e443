/** Every bound of weir, with its unit in the name and the reason beside it. */
export const LIMITS = {
  // events and frames
  frame_events_max: 1_000, // one durable write carries at most this many events
  frame_bytes_max: 1_000_000, // the broker's message limit leaves room for headers above it
  frame_unpacked_bytes_max: 4_194_304, // values of one frame, each counted for every row that has it: a few bytes can stand for a thousand texts
  frame_kept_unpacked_bytes_max: 33_554_432, // the same in a frame that is in the log already, where earlier versions merged without that limit
  broker_payload_bytes_max: 2_097_152, // max_payload of the broker: a frame plus what enrichment adds
  event_room_bytes: 65_536, // of that, what one event leaves free for headers and what later stages add; a larger one is rejected as too_large
  frame_types_max: 64, // distinct event types in one frame
  frame_columns_max: 256, // columns of one type in one frame
  frame_depth_max: 32, // nesting of a value inside a frame
  text_bytes_max: 262_144, // one text field; longer ones are cut at the source and say so
  source_chars_max: 256,
  session_chars_max: 128,
  subject_chars_max: 512,
  json_depth_max: 64, // nesting of JSON taken from outside
  json_keys_max: 1_000,
  clock_ahead_ms_max: 600_000, // an event may be this far in the future before it is rejected
  clock_behind_years_max: 20, // older than this is a wrong clock
  // processors
  step_events_max: 1_000, // events of one output frame
  step_bytes_min: 65_536, // with less waiting, a processor lets it gather while its last output is on its way
  state_entries_max: 10_000, // producers, sessions, open calls or alerts a processor remembers; the one unused for longest makes room
  series_max: 2_000, // series whose last values are kept; the one untouched longest makes room
  thresholds_max: 1_000, // static thresholds that are set at once; each value is held against all of its metric
  dedupe_ids_max: 65_536, // ids of one generation of the recent window
  snapshot_every_events: 200_000, // how often a processor's state is saved
  rejected_part_bytes_max: 524_288, // original bytes kept per rejected event
  gaps_open_max: 1_000, // open gaps remembered per producer
  clock_tick_ms: 60_000, // how often the passing of time is an event
  effect_ms_max: 10_000, // how long an order waits for its effect to be visible
  left_ms_max: 10_000, // what waits longer for a processor that another instance is to run is told
  trim_soon_ms: 500, // input that held what must not be kept is trimmed after this, instead of with the next saved state
  snapshot_every_ms: 20_000, // a quiet processor saves its state at least this often
  standby_ms: 3_000, // how long a fenced runner waits before it looks again
  unreadable_told_ms: 5_000, // frames that cannot be read are counted in the log this often, not told one by one
  told_ms: 250, // how often the processors' thread tells how far it is
  lease_beat_ms: 1_000, // how often an instance tells the others which partitions it works on
  lease_ms: 4_000, // not heard for so long, it is gone and its partitions are free
  lease_hello_ms: 150, // after the last answer to a newcomer's question who is there
  reader_bytes_max: 1_572_864, // messages read ahead of a processor or the tables
  reader_messages_max: 256, // messages of one request of a reader, which may bring as many bytes as the largest message has above those
  reader_request_ms: 30_000, // how long a request stays open
  reader_beat_ms: 5_000, // how often the broker tells that an open request is
  reader_gone_ms: 300_000, // after this without a request, the broker forgets a reader
  // projections
  commit_events_max: 8_192, // events of one transaction
  commit_bytes_max: 4_194_304, // values of one transaction, each counted for every row that has it
  commit_gather_ms: 400, // longest pause between two transactions: one costs much the same for ten events and for a thousand
  commit_gather_events: 400, // after a batch of so many, the next gathers as long as that one took
  commit_unread_ms: 1_000, // while nobody reads the tables, a transaction begins this long after the one before it
  commit_read_ms: 10_000, // so long after a question somebody still reads
  commit_fresh_ms_max: 250, // how long the first question after that waits for what has gathered
  commit_gather_bytes_max: 524_288, // what waits then is taken at once
  apply_events_max: 8_192, // events whose rows are made ready before they are appended
  ahead_rows_max: 2_048, // changed rows that may be ahead of their tables; more are written into them
  ahead_bytes_max: 4_194_304, // the same in bytes of what was kept for them
  apply_turn_ms: 5, // time for which a batch holds the thread before requests have their turn
  replay_events_max: 16_384, // events of one transaction while tables are made again
  replay_bytes_max: 16_777_216, // its values, each counted for every row that has it
  replay_look_ms: 50, // how often a replay looks whether it has reached its end
  lost_ranges_max: 1_000, // ranges of the log that are named as missing; the table gaps has all of them
  fold_cache_rows_max: 10_000, // open rows kept in memory per table
  resting_keys_asked_max: 2_000, // how often a filter of keys that rests in its file is asked before it is taken into memory
  wal_bytes_max: 167_772_160, // the store is checkpointed when its write-ahead log grows past this
  wal_idle_bytes_max: 4_194_304, // in a quiet moment it is checkpointed from this size on
  checkpoint_tries_ms_max: 5_000, // how long a checkpoint is tried while DuckDB is still ending another transaction
  checkpoint_idle_ms: 5_000, // how long nothing must come for a moment to be quiet
  // archive
  archive_begin_share: 0.6, // of the log's size, from which on its oldest messages are archived and trimmed
  archive_end_share: 0.4, // of the log's size, down to which; the rest is what a quick replay reads
  archive_segment_bytes_max: 16_777_216, // messages of one segment: it is read into memory as a whole
  archive_segment_events_max: 131_072, // events of one segment
  archive_segment_share: 0.0625, // of the log's size that one segment takes at most: a small log is trimmed in small steps
  archive_memory_bytes: 268_435_456, // what DuckDB may use in the process that writes a segment; beyond it, it uses disk
  archive_look_ms: 5_000, // how often it is looked how full the log is
  archive_retry_ms: 30_000, // pause after archiving failed, as where the disk is full
  archive_nice: 4, // priority of the process that writes: below who takes events in, but enough to keep up with them
  archive_tries_max: 3, // a process that reads the archive is started again this often when it was killed
  // producers
  buffer_events_max: 10_000, // events waiting in a producer's memory
  buffer_bytes_max: 16_777_216,
  room_bytes_max: 33_554_432, // events waiting for room in that memory with somebody who waits for each; more are refused
  front_nice: 10, // priority of the threads that can catch up later, below the one that takes things in
  front_first_ms: 5_000, // from when on, before all of them are starting; and how often it looks for new ones
  publish_pending_max: 8, // frames sent and not yet acknowledged
  publish_alone_events: 100, // so many events that somebody waits for need no company: they follow at once
  publish_gather_ms: 2, // events that somebody waits for gather this long when they follow a frame that had company
  publish_company_ms: 10, // the same for events that nobody waits for
  spool_bytes_max: 268_435_456, // events kept on disk while the broker is away
  first_connect_ms_max: 2_000, // how long a producer that ends at once waits for its first connection
  spool_gather_ms: 20, // while the broker is away, events are written to the spool together after this time
  spool_look_ms: 5_000, // how often the spools of producers that are gone are looked for
  spool_segment_bytes_max: 8_388_608,
  keep_ms: 2_000, // profile fast: how long a producer keeps what was acknowledged, twenty times the broker's sync interval
  keep_look_ms: 500, // how often it looks whether it may let go
  spool_run_frames: 64, // frames of a spool that are on their way at once
  // broker
  broker_memory_bytes_soft: 201_326_592, // GOMEMLIMIT of the nats-server; with half of it, it spent three quarters of its time collecting
  broker_gc_percent: 30, // GOGC of the nats-server: a smaller heap for a little more work
  broker_start_ms_max: 120_000, // a large log may have to be read again after a crash
  broker_stop_ms_max: 10_000, // after this it is killed; what it acknowledged is on disk by then
  broker_log_lines: 50, // lines of its log kept for error messages
  broker_connect_ms_max: 5_000,
  broker_request_ms_max: 5_000, // one JetStream request
  broker_reconnect_ms: 250, // between attempts to reach a broker that is away
  broker_sync_ms_max: 100, // profile fast: how much a power cut may cost
  broker_store_slack_bytes: 268_435_456, // max_file_store above the sum of the streams, for consumers and headers
  broker_health_ms: 10_000, // how often the broker is asked whether it can store
  broker_free_bytes_min: 16_777_216, // free disk from which on a broker that found none is started again
  log_full_share: 0.9, // of the log's size, from which on weir says that it will be full: archiving does not keep up
  stream_bytes_min: 67_108_864, // smallest size of WEIR_IN and WEIR_VALID
  duplicate_window_ms: 120_000, // repeats of a message id are dropped by the broker this long; readers drop later ones
  token_chars_max: 64, // one token of a subject
  // reading
  query_rows_max: 1_000, // rows of one answer
  query_ms_max: 10_000, // time of one built-in query
  sql_rows_max: 10_000,
  snapshot_cost_factor: 10, // a copy of the tables serves this many times as long as it took
  sql_bytes_max: 16_777_216,
  sql_chars_max: 20_000,
  sql_ms_max: 10_000,
  // the process that runs SQL from outside
  sandbox_waiting_max: 8, // statements waiting for it; it runs one at a time
  doctor_ms_max: 3_000, // how long `weir doctor` waits for an answer before it calls weir hung
  sandbox_idle_ms: 30_000, // it is ended when nobody asked for this long
  sandbox_grace_ms: 1_000, // after the deadline, before it is killed
  sandbox_cpu_s: 60, // of one process; renewed after half of it
  sandbox_kept_bytes_max: 400_000_000, // resident after a statement: more, and the next one gets a process of its own
  sandbox_files_max: 64, // open files, the snapshot included
  http_body_bytes_max: 1_048_576,
  http_pending_bytes_max: 67_108_864, // bodies of telemetry and events that are being taken; beyond it senders are asked to wait
  http_durable_ms_max: 10_000, // how long a sender waits for its events to be durable
  mcp_answer_chars_max: 50_000,
  live_clients_max: 64,
  // hooks
  hook_body_bytes_max: 16_777_216, // one payload that is parsed; of a longer one the beginning is kept as text
  hook_text_chars_max: 65_536, // one text inside a payload; files and outputs of tools come whole
  hook_record_chars_max: 2_097_152, // one payload on disk; what is larger after its texts were cut keeps its beginning as text
  hook_line_bytes_max: 8_388_608, // a line of the hooks' spool; the characters of a record may take four bytes each
  hook_spool_bytes_max: 268_435_456, // payloads on disk while weir is away
  hook_write_tries_max: 8, // a payload is written again when the file was taken away between opening and writing
  hook_wait_ms_max: 10_000, // payloads that wait longer than this while weir runs are a reason to look
  hook_time_off_us_max: 3_600_000_000, // a payload arrives at once, or after the assistant's queue; a time further off than this is a wrong clock
  hook_pause_ms: 250, // between two times the spool is taken: each begins a new file, which costs a disk sync of its own
  hook_gather_ms: 10, // after a payload arrived, before it is taken: what comes meanwhile is taken with it
  // recording MCP proxy
  mcp_message_bytes_max: 4_194_304, // a longer message passes all the same; it is told by its beginning and end
  mcp_edge_bytes: 8_192, // beginning and end of such a message: its id and method stand in one of them
  mcp_backlog_bytes_max: 67_108_864, // passed and not yet recorded; beyond it recording leaves messages out and counts them
  mcp_room_ms_max: 1_000, // how long the recorder waits for events to leave its buffer before it takes what comes next
  mcp_gather_ms: 25, // what passes is handed to the recorder together: each time costs two threads a switch
  mcp_gather_bytes_max: 262_144, // or at once when it is this much
  mcp_pending_max: 10_000, // requests that wait for an answer; the oldest is forgotten
  mcp_handshake_bytes_max: 1_048_576, // what is kept of the handshake, to say it again to a server that was restarted
  mcp_sample_ms: 25, // a server's processes are looked at no more often
  mcp_tree_ms: 1_000, // how often it is asked which processes they are
  mcp_stderr_bytes: 8_192, // end of a server's stderr that tells why it died
  mcp_stop_ms: 1_500, // for each step of ending a server; clients kill after four seconds
  mcp_answer_ms_max: 600_000, // how long a server may still answer what was asked before the client closed its end; tools take minutes
  mcp_look_ms: 50, // how often it is looked whether it did
  mcp_close_ms: 1_000, // how long output may still come from a server that has exited
  mcp_backoff_ms: 100, // pause before a restart, doubled with each quick death
  mcp_backoff_ms_max: 10_000,
  mcp_quick_ms: 10_000, // a server that lived shorter than this died quickly
  mcp_quick_deaths_max: 5, // in a row; then the proxy ends as the server did
  mcp_handshake_ms_max: 30_000, // a restarted server that does not answer the handshake by then is dead
  mcp_recorder_nice: 5, // priority of the thread that records, as `nice` counts it
  mcp_mark_bytes: 512, // what the start or end of an exchange over HTTP counts in the backlog
  mcp_find_ms: 5_000, // how often the process behind an address is looked for
  mcp_sessions_max: 1_000, // sessions over HTTP whose requests are paired; the one unused for longest is forgotten
  mcp_inflated_bytes_max: 67_108_864, // of one compressed answer, before it may not grow faster than the next line says
  mcp_inflate_ratio_max: 200, // bytes out of each byte in; more is no text
  mcp_idle_ms: 4_000, // how long an unused connection to a server is kept; most servers close theirs after five seconds
  mcp_client_idle_ms: 60_000, // how long a connection of a client is kept unused; it is told so
  mcp_connect_ms_max: 10_000, // until a connection to a server stands
  mcp_drain_ms_max: 5_000, // how long requests in flight may take when the HTTP proxy is ended
  mcp_flush_ms_max: 10_000, // how long the recorder may take to write what it has when the proxy ends; on a busy machine it is the last to run
  // telemetry (OTLP)
  otlp_body_bytes_max: 4_194_304, // one request as it comes
  otlp_inflated_bytes_max: 16_777_216, // one request after gzip is undone
  otlp_items_max: 20_000, // resources, scopes, spans, records and points of one request
  otlp_values_max: 400_000, // values of attributes of one request: two bytes can stand for one
  otlp_depth_max: 32, // nesting of an attribute's value
  otlp_parts_max: 128, // events or links of one span, as SDKs limit them
  otlp_buckets_max: 1_000, // buckets or quantiles of one point
  otlp_attributes_chars_max: 32_768, // attributes of one span or record that are kept, as JSON
  otlp_series_max: 10_000, // cumulative series whose last value is remembered
  otlp_series_log_bytes_max: 4_194_304, // journal of their values, after which all of them are written anew
  // telemetry
  span_links_max: 128, // links of one span, as in the OpenTelemetry SDKs; the rest is only counted
  telemetry_flush_ms_max: 1_000, // what a collector may delay the end of a thread
  // importing
  line_bytes_max: 67_108_864, // one line of a transcript; longer ones are skipped and reported
  tool_input_chars_max: 32_768, // JSON of a tool call's input that is kept
  tool_output_chars_max: 8_192, // text of a tool call's output that is kept
  prompt_chars_max: 65_536, // text of a prompt that is kept
  read_chunk_bytes: 262_144, // bytes read from a transcript at once
  edge_bytes_max: 65_536, // start and end of a file looked at to find its first and last time
  mark_bytes_max: 1_024, // bytes at the start, and before the position, whose hash tells whether a file is still the same
  open_calls_max: 128, // tool calls of one transcript that wait for their result
  recent_answers_max: 32, // answers of a model whose lines may still grow; lines of one answer stand together
  recent_records_max: 16, // last records of a transcript that a title may point to
  waiting_titles_max: 64, // titles whose record was not met yet
  held_records_max: 32, // records after which a session's start no longer waits for its model
  file_sessions_max: 64, // sessions that can begin in one transcript
  import_files_max: 200_000, // transcripts of one import
  import_depth_max: 12, // folders below the one given
  import_entries_max: 1_000_000, // folder entries looked at while files are searched
  discover_entries_max: 20_000, // the same for the first-minute message, which must not wait
  import_checkpoint_bytes: 67_108_864, // bytes read between two saved positions
  import_checkpoint_files: 500, // files between two saved positions
  import_progress_bytes: 4_194_304, // bytes read between two messages on progress
  import_facts_max: 1_000_000, // prompts, calls and answers told apart for the report
  sink_silent_ms: 5_000, // an import that could hand over nothing for this long says so
  sink_end_ms: 5_000, // how long an import that is told to end waits for what it has read to be taken
  import_positions_bytes_max: 268_435_456, // a file of positions larger than this is not read
  positions_slack_bytes: 4_194_304, // replaced entries a file of positions may hold before it is written anew
  // following transcripts
  follow_watches_max: 4_096, // folders watched; half of what older systems allow a user. Files elsewhere are found by the sweep
  follow_settle_ms: 40, // changes are gathered this long before files are read
  follow_sweep_ms: 60_000, // how often all files are looked at: 10,000 of them take about 0.3 s
  follow_rests_max: 7, // sweeps left out in a row while they find nothing that no watch told of
  follow_hot_files_max: 64, // files that grew lately and are looked at again and again, for file systems that tell nothing
  follow_hot_ms: 300_000, // how long after its last growth a file is one of them
  follow_look_ms: 500, // how often they are looked at
  follow_told_looks: 10, // of so many looks, one at those that a watch told of
  follow_told_ms: 1_000, // how often the process that follows tells how far it is
  follow_restart_ms: 2_000, // pause before it is started again
  follow_stop_ms_max: 5_000, // after this it is killed; what it had not sent is read again
  // watching files and git
  watch_paths_max: 32, // projects and folders watched at once, the last used ones
  watch_folders_max: 2_048, // folders of one project that are watched
  watch_files_max: 50_000, // files of one project whose state is known
  watch_settle_ms: 300, // changes are gathered this long: an editor writes a file in several steps
  watch_burst_max: 50, // more changes at once are told as one a folder
  watch_list_ms: 10_000, // how often it is asked which projects are in use
  reflog_days: 7, // how far back a repository is read when it comes under watch; ids make it harmless
  reflog_bytes_max: 1_048_576, // end of a reflog that is read
  reflog_commits_max: 500, // commits of one reading
  branches_max: 5_000, // branches of one repository that are known
  git_ms_max: 10_000, // one call of git
  bad_lines_max: 100, // unreadable lines named in a report; all are counted
} as const;

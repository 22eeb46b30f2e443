/** Every bound of weir, with its unit in the name and the reason beside it. */
export const LIMITS = {
  // events and frames
  frame_events_max: 1_000, // one durable write carries at most this many events
  frame_bytes_max: 1_000_000, // the broker's message limit leaves room for headers above it
  broker_payload_bytes_max: 2_097_152, // max_payload of the broker: a frame plus what enrichment adds
  frame_types_max: 64, // distinct event types in one frame
  frame_columns_max: 256, // columns of one type in one frame
  frame_depth_max: 32, // nesting of a value inside a frame
  text_bytes_max: 262_144, // one text field; longer ones are cut at the source and say so
  id_chars_max: 64,
  source_chars_max: 256,
  session_chars_max: 128,
  subject_chars_max: 512,
  json_depth_max: 64, // nesting of JSON taken from outside
  json_keys_max: 1_000,
  clock_ahead_ms_max: 600_000, // an event may be this far in the future before it is rejected
  clock_behind_years_max: 20, // older than this is a wrong clock
  // processors
  step_events_max: 1_000, // events of one output frame
  state_entries_max: 10_000, // sessions, open calls or series a processor remembers
  dedupe_ids_max: 65_536, // ids of one generation of the recent window
  snapshot_every_events: 200_000, // how often a processor's state is saved
  rejected_part_bytes_max: 524_288, // original bytes kept per rejected event
  gaps_open_max: 1_000, // open gaps remembered per partition
  // projections
  commit_events_max: 8_192, // events of one transaction
  commit_bytes_max: 8_388_608,
  fold_cache_rows_max: 10_000, // open rows kept in memory per table
  wal_bytes_max: 134_217_728, // the store is checkpointed when its write-ahead log grows past this
  // producers
  buffer_events_max: 10_000, // events waiting in a producer's memory
  buffer_bytes_max: 16_777_216,
  publish_pending_max: 8, // frames sent and not yet acknowledged
  spool_bytes_max: 268_435_456, // events kept on disk while the broker is away
  spool_segment_bytes_max: 8_388_608,
  // reading
  query_rows_max: 1_000, // rows of one answer
  query_ms_max: 10_000, // time of one built-in query
  sql_rows_max: 10_000,
  sql_bytes_max: 16_777_216,
  sql_chars_max: 20_000,
  sql_ms_max: 10_000,
  http_body_bytes_max: 1_048_576,
  mcp_answer_chars_max: 50_000,
  live_clients_max: 64,
  // importing
  line_bytes_max: 67_108_864, // one line of a transcript; longer ones are skipped and reported
  tool_input_chars_max: 32_768, // JSON of a tool call's input that is kept
  tool_output_chars_max: 8_192, // text of a tool call's output that is kept
  prompt_chars_max: 65_536, // text of a prompt that is kept
} as const;

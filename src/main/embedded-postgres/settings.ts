/**
 * `postgresql.conf` of the embedded Postgres, written anew at each start. For one machine that Postgres shares
 * with Milena: small memory, small disk, few processes, and nothing traded against durability.
 * @param sockets the folder of the Unix socket; `.` is the database's own folder.
 */
export function postgresConf(sockets: string): string {
  return `# Milena writes this file at each start. Your own settings go into local.conf beside it.

# Only through a Unix socket in a folder that nobody else may enter: no port to be taken, nothing to scan.
listen_addresses = ''
unix_socket_directories = '${sockets.replaceAll("'", "''")}'
unix_socket_permissions = 0700
max_connections = 60

# What the log's promises rest on. The log asserts them at each start.
fsync = on
synchronous_commit = on
full_page_writes = on

shared_buffers = 96MB
effective_cache_size = 512MB
work_mem = 8MB
maintenance_work_mem = 64MB
huge_pages = off
jit = off
# Containers often give /dev/shm 64 MB only; parallel queries would fail there.
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
io_method = sync
random_page_cost = 1.1

# Nobody replicates from here (a backup is a copy of the stopped folder), so the WAL may be minimal. A checkpoint
# at least every 384 MB of WAL: at most about that much lies on the disk beside the data.
wal_level = minimal
max_wal_senders = 0
max_replication_slots = 0
max_logical_replication_workers = 0
wal_compression = on
wal_buffers = 8MB
min_wal_size = 64MB
max_wal_size = 384MB
# Old files are deleted, not used again: keys of erased content must not stay in them.
wal_recycle = off
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9

autovacuum_max_workers = 2
autovacuum_naptime = 20s

# Messages go to Milena, which passes on what matters. Never a statement or a row: they hold people's words.
log_destination = stderr
logging_collector = off
log_line_prefix = ''
log_min_messages = warning
log_min_error_statement = panic
log_error_verbosity = terse
log_checkpoints = off
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length_on_error = 0

timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, mdy'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.simple'

include_if_exists = 'local.conf'
`;
}

/** `pg_hba.conf`: a password even on the socket, nothing else. */
export const hbaConf = `# Milena writes this file at each start.
local all all scram-sha-256
`;

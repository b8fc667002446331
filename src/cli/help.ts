/** What `milena --help` prints. */
export const help = `milena: a Matrix homeserver whose only source of truth is an event log

  milena serve [--roles api,owner,projector,manager]
                                  run the server
  milena status [--json]          slots, owners, lag of every read model; ends with code 1 if something is wrong
  milena user add NAME [--admin]  make an account; asks for the password, or reads it from a pipe
  milena user list
  milena user set-password NAME [--keep-devices]
  milena user deactivate NAME
  milena token add [TOKEN] [--uses N] [--days N]
                                  make a token with which accounts can be made (registration: token)
  milena token list               tokens by their fingerprints, and how often they were used
  milena token remove TOKEN       by itself or by its fingerprint
  milena rebuild MODEL…           build read models anew from the log, beside the old ones, and switch
  milena rebuild --outdated       build this version's read models while the old version runs, and switch
  milena log export FILE          write the whole log to a file (- is standard output)
  milena log import FILE          read it into a log that is still empty (- is standard input)
  milena config check             check the configuration
  milena config example           print it with all keys and defaults, documented

  --config FILE, -c FILE          the configuration; every key also by environment (MILENA_…)
  --server URL                    the internal address of a server that runs elsewhere
  --version, --help

Every command works while the server runs, and while it is stopped.
`;

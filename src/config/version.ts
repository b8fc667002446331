import packageFile from '../../package.json' with { type: 'json' };

/** Milena's version, as `milena --version` and `/_matrix/federation/v1/version` give it. */
export const version: string = packageFile.version;

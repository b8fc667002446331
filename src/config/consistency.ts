import type { Config } from './config.ts';

/** What fits each key alone but not together; empty when all is well. */
export function consistencyProblems(config: Config): readonly string[] {
  const problems: string[] = [];
  if (config.log === 'kafka' && config.kafkaBrokers.length === 0) {
    problems.push('kafka_brokers: log: kafka needs at least one broker (MILENA_KAFKA_BROKERS)');
  }
  if (config.log === 'postgres' && config.kafkaBrokers.length > 0) {
    problems.push('kafka_brokers: given, but the log is not in Kafka: set log: kafka or take them out');
  }
  if ((config.recaptchaSiteKey === undefined) !== (config.recaptchaSecretKey === undefined)) {
    problems.push('recaptcha_site_key, recaptcha_secret_key: a captcha needs both');
  }
  if (config.roles.length < 4 && config.postgresUrl === undefined) {
    problems.push(
      'roles: processes that divide the roles share one Postgres: set postgres_url (MILENA_POSTGRES_URL); ' +
        'the embedded one belongs to a single process',
    );
  }
  if (new Set(config.roles).size < config.roles.length) problems.push('roles: each of them once');
  return problems;
}

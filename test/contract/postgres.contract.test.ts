import { eventLogContract } from './event-log-contract.ts';
import { postgresHarness } from './postgres-harness.ts';

eventLogContract('postgres', postgresHarness);

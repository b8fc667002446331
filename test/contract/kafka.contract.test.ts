import { kafkaHarness } from '../support/kafka/harness.ts';
import { eventLogContract } from './event-log-contract.ts';

eventLogContract('kafka', kafkaHarness);

import { eventLogContract } from '../contract/event-log-contract.ts';
import { kafkaHarness } from '../support/kafka/harness.ts';
import { startKafkaContainer } from './kafka-container.ts';

eventLogContract('kafka in a container', () => kafkaHarness({ start: startKafkaContainer }));

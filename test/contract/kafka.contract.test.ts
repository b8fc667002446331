import { describe } from 'node:test';
import { kafkaHarness } from '../support/kafka/harness.ts';
import { hasForeignBroker } from '../support/kafka.ts';
import { eventLogContract } from './event-log-contract.ts';
import { kafkaCases } from './kafka-cases.ts';

// Most of the time is spent waiting for sessions and memories to expire: two brokers wait beside each other.
describe('kafka', { concurrency: 2 }, () => {
  // On a broker elsewhere nobody can look at the files, and its cleaner takes its time.
  eventLogContract(
    'kafka',
    kafkaHarness,
    hasForeignBroker ? { only: /^(?!of 1,000 records|a compacted)/ } : {},
  );

  describe('brokers that forget, hang and die', () => {
    // The sleeper sleeps until the broker has forgotten its transactional ID: the next claim gets another producer,
    // and the broker fences nobody. What then holds is the adapter's own second line.
    eventLogContract(
      'kafka that soon forgets its producers',
      () =>
        kafkaHarness({
          asleepMs: 6_500,
          properties: {
            'producer.id.expiration.ms': '2000',
            'producer.id.expiration.check.interval.ms': '200',
            'transactional.id.expiration.ms': '5000',
            'transaction.remove.expired.transaction.cleanup.interval.ms': '300',
          },
        }),
      { only: /suspended|fences the writer|claims that race|acknowledgement is lost/ },
    );
    kafkaCases();
  });
});

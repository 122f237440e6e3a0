import type { Queue, WaitingError, DelayedError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { loadOptional } from '../../optional-package.ts'

/** The parts of the packages `bullmq` and `ioredis` that the dispatcher uses. */
export interface QueuePackages {
  readonly Queue: typeof Queue
  readonly Worker: typeof Worker
  readonly DelayedError: typeof DelayedError
  readonly WaitingError: typeof WaitingError
  readonly Redis: typeof Redis
}

/** Loads the packages `bullmq` and `ioredis`, optional peers. @throws `MISSING_PACKAGE` that says what to install */
export function loadPackages(load: () => Promise<QueuePackages> = importPackages): Promise<QueuePackages> {
  return loadOptional('Queues in Redis', 'bullmq', 'bullmq@6 ioredis@6', load)
}

async function importPackages(): Promise<QueuePackages> {
  const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
  const { Queue, Worker, DelayedError, WaitingError } = bullmq
  return { Queue, Worker, DelayedError, WaitingError, Redis }
}

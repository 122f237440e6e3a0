import type { Queue, WaitingError, DelayedError, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { DagstreamError } from '../../errors.ts'

/** The parts of the packages `bullmq` and `ioredis` that the dispatcher uses. */
export interface QueuePackages {
  readonly Queue: typeof Queue
  readonly Worker: typeof Worker
  readonly DelayedError: typeof DelayedError
  readonly WaitingError: typeof WaitingError
  readonly Redis: typeof Redis
}

/** Loads the packages `bullmq` and `ioredis`, optional peers. @throws `INVALID_OPTION` that says what to install */
export async function loadPackages(load: () => Promise<QueuePackages> = importPackages): Promise<QueuePackages> {
  try {
    return await load()
  } catch (cause) {
    const message = 'A queue in Redis needs the packages `bullmq` and `ioredis`: run `npm install bullmq ioredis`'
    throw new DagstreamError('INVALID_OPTION', message, { cause, details: { option: 'queue' } })
  }
}

async function importPackages(): Promise<QueuePackages> {
  const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')])
  const { Queue, Worker, DelayedError, WaitingError } = bullmq
  return { Queue, Worker, DelayedError, WaitingError, Redis }
}

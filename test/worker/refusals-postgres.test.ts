import { describe, expect, test } from 'vitest'
import type { Exchanged, SharedStore } from '../../src/cluster/shared-store.ts'
import { isStoreRefusal } from '../../src/errors.ts'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import { type Coordinated, coordinate, hold, makeMessages } from '../../src/testing/shared-fixtures.ts'
import { startWorker } from '../../src/worker/run-worker.ts'
import { afterTest, openHere } from '../store/postgres-rig.ts'
import { createDatabase, execute, isPostgresMissing } from '../support/postgres.ts'

const wait = (): Promise<void> => Promise.resolve()

/** What the database does with a message of a worker that contains `raise:` and an SQLSTATE, or is of the task `damaged`. */
const TRIGGER = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.body LIKE '%raise:%' THEN
      RAISE EXCEPTION 'refused by a trigger' USING ERRCODE = substring(NEW.body FROM 'raise:(.....)');
    ELSIF NEW.task LIKE '%damaged%' AND NEW.message IS NOT NULL THEN
      RAISE EXCEPTION 'damaged' USING ERRCODE = 'XX001';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refuse BEFORE INSERT ON dagstream.inbox FOR EACH ROW EXECUTE FUNCTION refuse()`

/** No worker can take the order of the task `damaged`. */
const DAMAGED_ORDER = `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.task LIKE '%damaged%' THEN RAISE EXCEPTION 'damaged' USING ERRCODE = 'XX001'; END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER refuse BEFORE UPDATE ON dagstream.orders FOR EACH ROW EXECUTE FUNCTION refuse()`

async function open(): Promise<PostgresStore> {
  const url = await createDatabase()
  await execute(url, TRIGGER)
  return await openHere(url, { storeRetryMs: 1000 })
}

/** The outcomes in the inbox by task. */
async function readOutcomes(execution: Coordinated): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const message of await execution.messages()) {
    if (!('key' in message)) continue
    const { news } = message
    if (news.type === 'settled') found[message.key.taskId] = 'code' in news.report ? news.report.code : 'success'
    if (news.type === 'interrupted') found[message.key.taskId] = news.cause
  }
  return found
}

describe.skipIf(isPostgresMissing)('the database', () => {
  test('refuses some messages of a worker: their attempts end, and the others are not held up', {
    timeout: 120_000,
  }, async () => {
    const store = await open()
    const execution = await coordinate({ store, wait })
    const warnings: string[] = []
    const logger = { debug: () => {}, warn: (message: string) => void warnings.push(message) }
    const worker = await startWorker({
      store,
      logger,
      leaseMs: 1000,
      tools: {
        work: {
          execute: (_, { taskId, emitToken }) => {
            if (taskId === 'token') emitToken('raise:22021')
            return taskId === 'output' ? 'raise:42501' : 'fine'
          },
        },
      },
    })
    afterTest(() => worker.close())
    await execution.order('work', ['first', 'output', 'token', 'damaged', 'last'])
    const others = { first: 'success', last: 'success', output: 'INVALID_OUTCOME', token: 'INVALID_OUTCOME' }
    const patience = { timeout: 50_000, interval: 100 }
    await expect.poll(() => readOutcomes(execution), patience).toEqual(others)
    await expect.poll(() => worker.worker.runningCount, patience).toBe(0)
    expect(worker.worker.waitingWeight).toBe(0)
    // Nobody renews it.
    await expect.poll(() => store.orders.interruptExpired(), patience).toBe(1)
    expect(await readOutcomes(execution)).toEqual({ ...others, damaged: 'lost' })
    expect(warnings.toSorted()).toEqual([
      'The store refuses any outcome of an attempt: it is given up, and its lease expires',
      ...Array.from({ length: 4 }, () => 'The store refuses what an attempt reports: it is dropped'),
    ])
  })

  test('refuses to give an order: outcomes are posted all the same', async () => {
    const url = await createDatabase()
    await execute(url, DAMAGED_ORDER)
    const store = await openHere(url)
    const execution = await coordinate({ store, wait })
    const warnings: string[] = []
    const failures: unknown[] = []
    const exchange: SharedStore['exchange'] = async (...given) => {
      try {
        return await (store.exchange?.(...given) as Promise<Exchanged>)
      } catch (error) {
        failures.push(isStoreRefusal(error))
        throw error
      }
    }
    const worker = await startWorker({
      store: { ...store, exchange },
      logger: { debug: () => {}, warn: message => void warnings.push(message) },
      concurrency: 1,
      tools: {
        work: async () => {
          await execution.order('work', ['damaged'])
          return 'fine'
        },
      },
    })
    afterTest(() => worker.close())
    await execution.order('work', ['first'])
    await expect.poll(() => readOutcomes(execution), { timeout: 20_000 }).toEqual({ first: 'success' })
    await expect.poll(() => worker.worker.runningCount, { timeout: 20_000 }).toBe(0)
    await expect.poll(() => warnings.length, { timeout: 20_000 }).toBe(1)
    expect(failures).toEqual([true])
    expect(warnings).toEqual(['The store gives no orders: asked again until it does'])
  })

  test.each([
    ['22021', true, 'a value that it cannot keep'],
    ['42501', true, 'a missing grant'],
    ['54000', true, 'a value beyond its bounds'],
    ['P0001', true, 'an error of a trigger'],
    ['XX001', true, 'a damaged row'],
    ['25006', false, 'a standby'],
    ['40001', false, 'a conflict'],
    ['42P01', false, 'a table that is not there yet'],
    ['53100', false, 'a full disk'],
    ['53300', false, 'too many connections'],
    ['55P03', false, 'a lock'],
    ['57P01', false, 'its end'],
  ])('answers a post with %s: a refusal is %s, for %s', async (state, isRefusal) => {
    const store = await open()
    const { execution, worker } = await hold({ store, wait })
    const message = `raise:${state}`
    const posted = store.inbox.post(worker, makeMessages(execution.key('a'), [{ type: 'log', level: 'info', message }]))
    const error: unknown = await posted.catch((thrown: unknown) => thrown)
    expect([error instanceof Error, isStoreRefusal(error)]).toEqual([true, isRefusal])
    expect(await execution.messages()).toEqual([])
  })

  test('is not sent a message beyond its bound', async () => {
    const store = await open()
    const { execution, worker } = await hold({ store, wait })
    const message = 'x'.repeat(128 * 1024 * 1024)
    const posted = store.inbox.post(worker, makeMessages(execution.key('a'), [{ type: 'log', level: 'info', message }]))
    await expect(posted).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('expected messages of at most 134217728 characters') as unknown,
      details: { isRefusal: true },
    })
  })
})

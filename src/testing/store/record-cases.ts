import { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionRecord, ExecutionStore } from '../../store/execution-store.ts'
import { expectCode, expectSame } from '../expectations.ts'
import {
  begin,
  create,
  expectSeqs,
  makeEnd,
  makeEntries,
  makeName,
  makeRecord,
  type NamedCheck,
  TIMESTAMP,
} from '../store-fixtures.ts'

/** Requirements on a store for executions and outputs. */
export const RECORD_CASES: readonly NamedCheck[] = [
  ['an execution is got as it was created, and runs', checkCreate],
  ['an id is created once', checkUniqueId],
  ['an owner and idempotency key have one execution', checkUniqueKey],
  ['of creations at once with one key exactly one is new', checkCreateRace],
  ['executions are listed oldest first, by owner, in pages', checkList],
  ['summaries are told in the order they are asked for', checkSummaries],
  ['outputs are kept beside the log', checkOutputs],
  ['an execution is shown as parked or stopping by the entries of its log', checkLifecycle],
  ['what has ended, or is claimed here, is not interrupted', checkInterrupted],
  ['what was never claimed is not interrupted', checkUnclaimed],
]

async function checkCreate(store: ExecutionStore): Promise<void> {
  const plain = makeRecord()
  const full = makeRecord({
    owner: makeName('owner'),
    idempotencyKey: 'a key',
    requestHash: '0'.repeat(64),
    // Text, not values: order of members, digits of numbers, escapes.
    workflow: '{"name":"é\\u2028","tasks":[],"b":1,"a":1.0,"a":2}',
    input: '{"topic":"żółć 🧵","n":9007199254740993.10,"u":"\\u0000 \\ud800"}',
    options: '{ "schedule":"dataflow" }',
  })
  for (const record of [plain, full]) {
    expectSame('create()', await store.create(record), undefined)
    expectSame('get()', await store.get(record.executionId), { ...record, status: 'running' })
  }
  expectSame('get() of an unknown execution', await store.get(makeName('unknown')), undefined)
}

async function checkUniqueId(store: ExecutionStore): Promise<void> {
  const record = makeRecord()
  await store.create(record)
  await expectCode('create() with a taken id', ['STORE_FAILED'], () => store.create({ ...record, owner: 'another' }))
  expectSame('get() afterwards', await store.get(record.executionId), { ...record, status: 'running' })
}

async function checkUniqueKey(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const idempotencyKey = makeName('key')
  const first = makeRecord({ owner, idempotencyKey })
  const expected = { ...first, status: 'running' }
  expectSame('create()', await store.create(first), undefined)
  const again = makeRecord({ owner, idempotencyKey })
  expectSame('create() with the same owner and key', await store.create(again), expected)
  expectSame('get() of the execution that was not created', await store.get(again.executionId), undefined)
  const others = [
    makeRecord({ owner, idempotencyKey: makeName('key') }),
    makeRecord({ owner: makeName('owner'), idempotencyKey }),
    makeRecord({ idempotencyKey }),
    makeRecord({ owner }),
    makeRecord({ owner }),
  ]
  for (const other of others) expectSame('create() with another owner or key', await store.create(other), undefined)
}

async function checkCreateRace(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const records = Array.from({ length: 5 }, () => makeRecord({ owner, idempotencyKey: 'once' }))
  const answers = await Promise.all(records.map(async record => store.create(record)))
  const created = records.filter((_, i) => answers[i] === undefined)
  expectSame('how many of 5 create() at once were new', created.length, 1)
  const existing = { ...created[0], status: 'running' }
  expectSame('the other answers', answers.filter(Boolean), [existing, existing, existing, existing])
}

async function checkList(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const records: ExecutionRecord[] = []
  for (let i = 0; i < 5; i++) {
    // Some share the same time.
    const createdAt = new Date(Date.UTC(2026, 0, 1) + Math.floor(i / 2)).toISOString()
    records.push((await create(store, { owner, createdAt })).record)
    await create(store, { owner: makeName('another') })
  }
  // At equal times, the smaller id comes first.
  const keyOf = ({ createdAt, executionId }: ExecutionRecord): string => `${createdAt} ${executionId}`
  records.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  const expected = records.map(record => ({ ...record, status: 'running' }))
  expectSame('list() of an owner', await store.list({ owner, limit: 100 }), expected)
  expectSame('the first 2', await store.list({ owner, limit: 2 }), expected.slice(0, 2))
  for (const [i, after] of records.entries()) {
    const page = await store.list({ owner, after, limit: 2 })
    expectSame(`2 after number ${i + 1}`, page, expected.slice(i + 1, i + 3))
  }
  expectSame('list() of an unknown owner', await store.list({ owner: makeName('unknown'), limit: 10 }), [])
  const after = records[3] as ExecutionRecord
  const ids = (await store.list({ after, limit: 100 })).map(({ executionId }) => executionId)
  expectSame('whether it begins behind `after`', ids.includes(after.executionId), false)
  expectSame('whether it has the last', ids.includes((records[4] as ExecutionRecord).executionId), true)
  await store.delete(after.executionId)
  const behind = await store.list({ owner, after, limit: 2 })
  expectSame('what is behind one that was deleted meanwhile', behind, expected.slice(4))
}

/** Only for a store with summaries. */
async function checkSummaries(store: ExecutionStore): Promise<void> {
  if (store.summarize === undefined) return
  const workflow = '{"name":"é 🧵","tasks":[{"id":"a","tool":"t"},{"id":"b","tool":"t"}]}'
  const running = await begin(store, { workflow })
  const bare = await begin(store)
  const ended = await begin(store, { workflow })
  await store.append(ended.lease, 1, makeEntries(ended.executionId, 1, 2))
  const counts = { totalTasks: 2, successCount: 1, errorCount: 1, skippedCount: 0, cancelledCount: 0 }
  await store.append(ended.lease, 3, [
    makeEnd(ended.executionId, 3, 'partial', { ...counts, totalExecutionTimeMs: 12.5 }),
  ])
  const ids = [ended, bare, running].map(({ executionId }) => executionId)
  const name = 'é 🧵'
  const times = { startedAt: TIMESTAMP, endedAt: TIMESTAMP, executionTimeMs: 12.5 }
  expectSame('summarize()', await store.summarize([...ids, makeName('unknown')]), [
    { name, ...counts, ...times },
    {},
    { name, totalTasks: 2 },
    {},
  ])
  expectSame('summarize() of none', await store.summarize([]), [])
}

async function checkOutputs(store: ExecutionStore): Promise<void> {
  const { executionId, lease } = await begin(store)
  const other = await begin(store)
  expectSame('getOutput() before', await store.getOutput(executionId, 'a'), undefined)
  await store.putOutput(lease, 'a', '{"n":1}')
  await store.putOutput(lease, 'b', 'null')
  await store.putOutput(lease, 'a', '{"n":2}')
  expectSame('getOutput() of what was put twice', await store.getOutput(executionId, 'a'), '{"n":2}')
  expectSame('getOutput() of another task', await store.getOutput(executionId, 'b'), 'null')
  expectSame('getOutput() of another execution', await store.getOutput(other.executionId, 'a'), undefined)
  expectSame('getOutput() of an unknown execution', await store.getOutput(makeName('unknown'), 'a'), undefined)
  await expectSeqs(store, executionId, [])
}

async function checkLifecycle(store: ExecutionStore): Promise<void> {
  const owner = makeName('owner')
  const { executionId, record, lease } = await begin(store, { owner })
  const other = await begin(store)
  const parked = { code: 'CRASH_LIMIT', message: 'é 🧵', tasks: ['a', '__proto__'] }
  const append = (seq: number, ...steps: readonly (readonly [LogEntry['type'], object])[]): void | Promise<void> =>
    store.append(
      lease,
      seq,
      steps.map(([type, data], i) => new LogEntry(seq + i, type, { executionId, timestamp: TIMESTAMP, ...data })),
    )
  const expectShown = async (after: string, more: object): Promise<void> => {
    const expected = { ...record, status: 'running', ...more }
    expectSame(`get() after ${after}`, await store.get(executionId), expected)
    expectSame(`list() after ${after}`, await store.list({ owner, limit: 10 }), [expected])
  }
  await append(1, ['execution_parked', parked])
  await expectShown('execution_parked', { parked })
  await append(2, ['execution_resumed', { cause: 'manual', executionTimeMs: 0 }])
  await expectShown('execution_resumed', {})
  await append(3, ['execution_stopping', { message: 'Enough' }], ['info', { level: 'info', message: 'x' }])
  await expectShown('execution_stopping', { isStopping: true })
  await append(5, ['execution_handed_off', {}], ['execution_resumed', { cause: 'handoff', executionTimeMs: 1 }])
  await expectShown('a handoff', { isStopping: true })
  await append(7, ['execution_parked', { ...parked, tasks: [] }])
  await expectShown('execution_parked', { isStopping: true, parked: { ...parked, tasks: [] } })
  expectSame('get() of another execution', await store.get(other.executionId), { ...other.record, status: 'running' })
  const resumed = ['execution_resumed', { cause: 'manual', executionTimeMs: 0 }] as const
  await append(8, resumed, ['execution_parked', parked])
  await expectShown('execution_resumed and execution_parked', { isStopping: true, parked })
  await append(10, ['execution_parked', { ...parked, tasks: [] }], resumed)
  await expectShown('execution_parked and execution_resumed', { isStopping: true })
  await append(12, ['execution_parked', parked])
  await store.append(lease, 13, [makeEnd(executionId, 13, 'cancelled')])
  expectSame('get() after the end', await store.get(executionId), { ...record, status: 'cancelled' })
}

/** Only for a store that supports it. Executions of other stores and processes are not checked. */
async function checkInterrupted(store: ExecutionStore): Promise<void> {
  if (store.interrupted === undefined) return
  const { executionId, lease } = await begin(store)
  const ids = async (): Promise<string[]> => ((await store.interrupted?.()) ?? []).map(each => each.executionId)
  expectSame('whether interrupted() has what is claimed here', (await ids()).includes(executionId), false)
  await store.append(lease, 1, [makeEnd(executionId, 1, 'success')])
  expectSame('whether interrupted() has what has ended', (await ids()).includes(executionId), false)
}

/** Covers executions whose submitter was refused or disconnected before the start. */
async function checkUnclaimed(store: ExecutionStore): Promise<void> {
  if (store.interrupted === undefined) return
  const { executionId } = await create(store)
  const ids = ((await store.interrupted()) ?? []).map(each => each.executionId)
  expectSame('whether interrupted() has what was never claimed', ids.includes(executionId), false)
}

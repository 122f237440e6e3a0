import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { expectCode, expectSame } from '../expectations.ts'
import { begin, create, makeEnd, makeName, makeRecord, type NamedCheck } from '../store-fixtures.ts'

/** Requirements on a store for what identifies executions and outputs. */
export const IDENTITY_CASES: readonly NamedCheck[] = [
  ['owners and keys that look alike when they are joined stay apart', checkPairs],
  ['outputs of executions and tasks that look alike when they are joined stay apart', checkOutputs],
  ['names that differ in case, accents, spaces or leading zeros stay apart', checkAlike],
  ['a repeated creation returns the execution as it is by then', checkRepetition],
  ['a creation that is refused leaves its key free', checkRefusal],
  ['an execution is found by its owner and key', checkFind],
]

/** Texts that a store may put between the parts of a key. */
const SEPARATORS: readonly string[] = ['', ' ', ':', '/', '.', ',', '-', '_', '|', '#', '","']

async function checkPairs(store: ExecutionStore): Promise<void> {
  const [a, b, c] = [makeName('a'), makeName('b'), makeName('c')]
  for (const between of SEPARATORS) {
    const [one, other] = [
      { owner: a, idempotencyKey: `${b}${between}${c}` },
      { owner: `${a}${between}${b}`, idempotencyKey: c },
    ]
    await create(store, one)
    const { idempotencyKey, owner } = other
    const found = await store.create(makeRecord(other))
    expectSame(`create() with the owner ${owner} and the key ${idempotencyKey}`, found, undefined)
  }
  const idempotencyKey = makeName('key')
  await create(store, { idempotencyKey })
  for (const owner of ['undefined', 'null']) {
    const found = await store.create(makeRecord({ owner, idempotencyKey }))
    expectSame(`create() with the key of an execution without an owner and the owner "${owner}"`, found, undefined)
  }
}

async function checkOutputs(store: ExecutionStore): Promise<void> {
  const executionId = makeName('execution')
  for (const between of ['', '-', '_']) {
    const one = await begin(store, { executionId: `${executionId}${between}a` })
    const other = await begin(store, { executionId: `${executionId}${between}a${between || 'b'}b` })
    const end = other.executionId.slice(one.executionId.length + between.length)
    await store.putOutput(one.lease, `${end}${between}c`, '1')
    await store.putOutput(other.lease, 'c', '2')
    expectSame('getOutput() of the first', await store.getOutput(one.executionId, `${end}${between}c`), '1')
    expectSame('getOutput() of the second', await store.getOutput(other.executionId, 'c'), '2')
  }
}

/** Pairs that some collations and conversions take for one. */
const ALIKE: readonly (readonly [string, string])[] = [
  ['a', 'A'],
  ['é', 'e'],
  ['\u00e9', 'e\u0301'],
  ['x', 'x '],
  ['1', '01'],
  ['1', '1.0'],
]

async function checkAlike(store: ExecutionStore): Promise<void> {
  const base = makeName('name')
  for (const [at, [one, other]] of ALIKE.entries()) {
    const name = (end: string): string => `${base} ${at} ${end}`
    const pair = `"${one}" and "${other}"`
    const { executionId, lease } = await begin(store, { owner: name(one), idempotencyKey: 'key' })
    await create(store, { owner: name(other), idempotencyKey: 'key' })
    const listed = await store.list({ owner: name(one), limit: 10 })
    expectSame(`how many executions of one owner are listed: ${pair}`, listed.length, 1)
    await create(store, { owner: name('both'), idempotencyKey: one })
    await create(store, { owner: name('both'), idempotencyKey: other })
    await store.putOutput(lease, one, '1')
    expectSame(`getOutput() of another task: ${pair}`, await store.getOutput(executionId, other), undefined)
    await store.secrets?.put(lease, one, '1')
    if (store.secrets !== undefined)
      expectSame(`secrets.get() of another question: ${pair}`, await store.secrets.get(executionId, other), undefined)
  }
  const executionId = makeName('a')
  await create(store, { executionId })
  expectSame('get() of an id in capitals', await store.get(executionId.toUpperCase()), undefined)
  await create(store, { executionId: executionId.toUpperCase() })
}

async function checkRepetition(store: ExecutionStore): Promise<void> {
  const identity = { owner: makeName('owner'), idempotencyKey: 'key' }
  const { executionId, record, lease } = await begin(store, { ...identity, input: '{"a":1}' })
  await store.append(lease, 1, [makeEnd(executionId, 1, 'partial')])
  const found = await store.create(makeRecord(identity))
  expectSame(
    'create() with the key of an ended execution',
    omitTexts(found),
    omitTexts({ ...record, status: 'partial' }),
  )
}

async function checkRefusal(store: ExecutionStore): Promise<void> {
  const { record: taken } = await create(store)
  const identity = { owner: makeName('owner'), idempotencyKey: 'key' }
  await expectCode('create() with a taken id', ['STORE_FAILED'], () => store.create({ ...taken, ...identity }))
  expectSame('create() with the key of the refused one', await store.create(makeRecord(identity)), undefined)
}

/** Only for a store with this method. */
async function checkFind(store: ExecutionStore): Promise<void> {
  if (store.findByKey === undefined) return
  const owner = makeName('owner')
  const idempotencyKey = makeName('key')
  const { executionId, record, lease } = await begin(store, { owner, idempotencyKey })
  const anonymous = await create(store, { idempotencyKey })
  const find = async (by: string | undefined, key: string): Promise<string | undefined> =>
    (await store.findByKey?.(by, key))?.executionId
  expectSame('findByKey()', await find(owner, idempotencyKey), executionId)
  expectSame('findByKey() without an owner', await find(undefined, idempotencyKey), anonymous.executionId)
  expectSame('findByKey() of another owner', await find(makeName('owner'), idempotencyKey), undefined)
  expectSame('findByKey() of another key', await find(owner, makeName('key')), undefined)
  await store.append(lease, 1, [makeEnd(executionId, 1, 'error')])
  const found = await store.findByKey(owner, idempotencyKey)
  expectSame('findByKey() after the end', omitTexts(found), { ...record, status: 'error' })
}

/** Without what some answers omit. */
function omitTexts(record: Partial<StoredExecution> | undefined): unknown {
  const { workflow: _, input: __, options: ___, ...rest } = record ?? {}
  return rest
}

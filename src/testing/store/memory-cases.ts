import type { ExecutionStore, MemoryKey, RememberedOutput } from '../../store/execution-store.ts'
import { expectSame } from '../expectations.ts'
import { begin, makeName, type NamedCheck } from '../store-fixtures.ts'

/** Requirements on a store that remembers outputs; one that does not passes them. */
export const MEMORY_CASES: readonly NamedCheck[] = [
  ['a remembered output is recalled by owner and key, the last one of several', checkRecall],
  ['an output that is older than asked for is not recalled', checkAge],
  ['a remembered output outlives its execution, until all are forgotten', checkForget],
]

type Remembering = ExecutionStore & Required<Pick<ExecutionStore, 'recall' | 'remember' | 'forget'>>

const DAY_MS = 24 * 60 * 60 * 1000

function remembers(store: ExecutionStore): store is Remembering {
  return store.recall !== undefined && store.remember !== undefined && store.forget !== undefined
}

function makeKey(): Required<MemoryKey> {
  return { owner: makeName('owner'), key: 'a'.repeat(64) }
}

function makeRemembered(output: string): RememberedOutput {
  return { executionId: makeName('execution'), taskId: 'é "x"/[3]', output }
}

async function checkRecall(store: ExecutionStore): Promise<void> {
  if (!remembers(store)) return
  const key = makeKey()
  const [first, second] = [makeRemembered('{"b": "é \\u0000 \\ud800", "a": 1.0}'), makeRemembered('[9007199254740993]')]
  expectSame('recall() before', await store.recall(key, DAY_MS), undefined)
  await store.remember(key, first)
  expectSame('recall()', await store.recall(key, DAY_MS), first)
  expectSame('recall() of another key', await store.recall({ ...key, key: 'b'.repeat(64) }, DAY_MS), undefined)
  expectSame('recall() of another owner', await store.recall({ ...key, owner: makeName('owner') }, DAY_MS), undefined)
  expectSame(
    'recall() without an owner',
    (await store.recall({ key: key.key }, DAY_MS))?.output === first.output,
    false,
  )
  await store.remember(key, second)
  expectSame('recall() after another', await store.recall(key, DAY_MS), second)
}

async function checkAge(store: ExecutionStore): Promise<void> {
  if (!remembers(store)) return
  const key = makeKey()
  await store.remember(key, makeRemembered('1'))
  expectSame('recall() of what is older', await store.recall(key, -1), undefined)
  expectSame('recall() of any age', (await store.recall(key, Number.POSITIVE_INFINITY))?.output, '1')
}

async function checkForget(store: ExecutionStore): Promise<void> {
  if (!remembers(store)) return
  const key = makeKey()
  const { executionId } = await begin(store)
  await store.remember(key, { executionId, taskId: 'a', output: 'null' })
  const others = [makeKey(), { key: 'c'.repeat(64) }]
  for (const other of others) await store.remember(other, makeRemembered('1'))
  await store.delete(executionId)
  expectSame('recall() after the deletion', (await store.recall(key, DAY_MS))?.executionId, executionId)
  const count = await store.forget()
  expectSame('the number of forgotten outputs is at least 3', count >= 3, true)
  for (const each of [key, ...others])
    expectSame('recall() after forget()', await store.recall(each, DAY_MS), undefined)
}

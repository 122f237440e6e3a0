import { expect, test } from 'vitest'
import type { ExecutionObserver } from '../../../src/engine/observers/execution-observer.ts'
import { createMemoryStore } from '../../../src/index.ts'
import { leaveAfter, readKept } from '../../support/crash.ts'
import { handlerRig, ONE_TASK } from '../../http/handler/handler-rig.ts'

/** An observer that writes down all that it receives. */
function recordingObserver(): ExecutionObserver & { readonly seen: unknown[] } {
  const seen: unknown[] = []
  return {
    seen,
    observe(execution) {
      seen.push(execution)
      return { onEntry: ({ seq, type }) => seen.push([seq, type]), onEnd: outcome => seen.push(outcome) }
    },
  }
}

const NAMED = { ...ONE_TASK, name: 'one' }

const REJECTING = { onEntry: () => Promise.reject(new Error('observer')) }

/** The kinds of observer that fail, at each of their functions. */
const FAILING: readonly (readonly [string, ExecutionObserver])[] = [
  ['at the start', { observe: () => fail() }],
  ['at each entry', { observe: () => ({ onEntry: fail }) }],
  ['at the end', { observe: () => ({ onEnd: fail }) }],
  ['later', { observe: () => REJECTING }],
]

function fail(): never {
  throw new Error('observer')
}

test('an observer receives each entry of an execution in order, then its outcome', async () => {
  const observer = recordingObserver()
  const rig = handlerRig({ observers: [observer], authorize: () => ({ owner: 'o' }) })
  const following = rig.create(NAMED, { Accept: 'application/json' })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await (await following).text()
  const entries = await rig.store.read('x1', 0, 100)
  expect(observer.seen).toEqual([
    { executionId: 'x1', owner: 'o', name: 'one' },
    ...entries.map(({ seq, type }) => [seq, type]),
    'success',
  ])
})

test('an observer of a resumed execution receives the new entries alone', async () => {
  const first = handlerRig()
  await first.begin(NAMED)
  await first.tool.nextCall('a')
  const store = await leaveAfter(await readKept(first.store, 'x1'), 2)
  const observer = recordingObserver()
  const head = await store.get('x1')
  const rig = handlerRig({
    store: { ...store, interrupted: () => (head === undefined ? [] : [head]) },
    observers: [observer],
  })
  ;(await rig.tool.nextCall('a')).succeed(1)
  await rig.tool.idle()
  expect([observer.seen.slice(0, 2), observer.seen.at(-1)]).toEqual([
    [{ executionId: 'x1', name: 'one' }, [3, 'execution_resumed']],
    'success',
  ])
})

test('an observer of an execution that the store fails receives no entry that the store has not, and that it is lost', async () => {
  const observer = recordingObserver()
  const store = { ...createMemoryStore(), append: () => Promise.reject(new Error('full')) }
  const rig = handlerRig({ store, observers: [observer] })
  await rig.begin(NAMED)
  await rig.tool.idle()
  expect(observer.seen).toEqual([{ executionId: 'x1', name: 'one' }, 'lost'])
})

test.each(FAILING)(
  'an observer that fails %s affects neither executions nor other observers, and is logged once',
  async (_, failing) => {
    const observer = recordingObserver()
    const rig = handlerRig({ observers: [failing, observer] })
    for (const executionId of ['x1', 'x2']) {
      await rig.begin(NAMED)
      ;(await rig.tool.nextCall('a')).succeed(1)
      await rig.tool.idle()
      expect(await (await rig.get(`/executions/${executionId}`)).json()).toMatchObject({ status: 'success' })
    }
    expect(observer.seen.filter(each => each === 'success')).toHaveLength(2)
    expect(rig.log).toEqual([expect.stringMatching(/^An observer failed; .*Error: observer/)])
    expect(await rig.figure('dagstream_tasks_total{status="success"}')).toBe(2)
  },
)

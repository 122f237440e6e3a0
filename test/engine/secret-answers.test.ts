import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type Execution,
  type ExecutionStore,
  type QuestionOptions,
  StreamingExecutor,
  type ToolContext,
} from '../../src/index.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { collectEvents } from '../support/rig.ts'
import { outline, pickInputs } from './questions-rig.ts'

// Something else happens to a question while its secret answer is being stored.

/** An execution with an open question. The store keeps its secret answer once `stored` is resolved, and refuses it once it is rejected. */
async function answerSlowly(more: Partial<QuestionOptions> = {}) {
  const clock = new FakeClock()
  const memory = createMemoryStore()
  const { secrets } = memory
  if (secrets === undefined) throw new Error('The memory store keeps secrets')
  let resolve!: () => void
  let reject!: (error: Error) => void
  const storing = new Promise<void>((...settle) => ([resolve, reject] = settle))
  let isFailing = false
  const store: ExecutionStore = {
    ...memory,
    append(...given) {
      if (isFailing) throw new Error('The disk is full')
      return memory.append(...given)
    },
    secrets: {
      put: async (...given) => {
        await storing
        await secrets.put(...given)
      },
      get: (...given) => secrets.get(...given),
      keep: (...given) => secrets.keep(...given),
    },
  }
  const execute = (_: unknown, { ask }: ToolContext): unknown => ask({ message: 'Password?', secret: true, ...more })
  const executor = new StreamingExecutor({ ask: { execute } }, { clock, store, createId: () => 'x' })
  const execution: Execution = executor.stream({ tasks: [{ id: 'a', tool: 'ask' }] })
  execution.result.catch(() => {})
  await idle()
  const answered = execution.answer('a.1', 'hunter2').then(
    () => 'answered',
    (error: unknown) => (error as { code: unknown }).code,
  )
  await idle()
  return {
    clock,
    execution,
    stored: { resolve, reject },
    answered,
    kept: () => secrets.get('x', 'a.1'),
    fail: () => void (isFailing = true),
  }
}

test('the log fails: the answer is refused', async () => {
  const { execution, stored, answered, fail } = await answerSlowly()
  fail()
  execution.cancel()
  await expect(execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
  stored.resolve()
  expect(await answered).toBe('STORE_FAILED')
})

test('the execution is cancelled: the question is closed, and the answer is refused and not kept', async () => {
  const { execution, stored, answered, kept } = await answerSlowly()
  execution.cancel()
  expect((await execution.result).status).toBe('cancelled')
  expect(pickInputs(collectEvents(execution)).at(-1)).toMatchObject({ inputId: 'a.1', outcome: 'cancelled' })
  stored.resolve()
  expect(await answered).toBe('INPUT_CLOSED')
  await idle()
  expect(await kept()).toBeUndefined()
})

test('the question expires: its task ends, though the answer is never stored', async () => {
  const { clock, execution, stored, answered } = await answerSlowly({ expiresMs: 100 })
  await clock.run(100)
  expect((await execution.result).results).toMatchObject([{ code: 'INPUT_EXPIRED' }])
  stored.reject(new Error('The disk is full'))
  expect(await answered).toBeUndefined()
})

test('the store refuses the answer: the question stays open for another', async () => {
  const { execution, stored, answered } = await answerSlowly()
  await expect(execution.answer('a.1', 'hunter3')).rejects.toMatchObject({ code: 'INPUT_CLOSED' })
  stored.reject(new Error('The disk is full'))
  await answered
  expect(outline(collectEvents(execution))).not.toContain('input_resolved a')
  await execution.decline('a.1')
  expect((await execution.result).results).toMatchObject([{ code: 'INPUT_DECLINED' }])
})

import { expect, test, vi } from 'vitest'
import {
  createMemoryStore,
  type DAGStructure,
  type Execution,
  type ExecutionStore,
  humanAskTool,
  StreamingExecutor,
  type ToolContext,
  type ToolSource,
} from '../../src/index.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { collectEvents } from '../support/rig.ts'
import { outline, pickInputs } from './questions-rig.ts'

/** One process after another over the same store: each takes the execution over from the one before. */
class Lives {
  readonly clock = new FakeClock()
  readonly store: ExecutionStore
  readonly #tools: ToolSource
  readonly #options: object

  constructor(tools: ToolSource, store = createMemoryStore(), options: object = {}) {
    this.#tools = tools
    this.store = store
    this.#options = options
  }

  begin(document: DAGStructure): Execution {
    const execution = this.#executor().stream(document)
    execution.result.catch(() => {})
    return execution
  }

  async resume(): Promise<Execution> {
    const execution = await this.#executor().resume('x')
    execution.result.catch(() => {})
    await idle()
    return execution
  }

  #executor(): StreamingExecutor {
    const { clock, store } = this
    return new StreamingExecutor(this.#tools, {
      clock,
      store,
      createId: () => 'x',
      random: () => 0.5,
      ...this.#options,
    })
  }
}

const ASK = { 'human:ask': humanAskTool }
const ask = (id: string, more: object = {}) => ({ id, tool: 'human:ask', arguments: { message: `${id}?`, ...more } })

test('three open questions outlive their process, and are answered out of order in the next ones', async () => {
  const lives = new Lives(ASK)
  const first = lives.begin({ tasks: ['a', 'b', 'c'].map(id => ask(id)) })
  await idle()
  await first.answer('b.1', 'b')
  const second = await lives.resume()
  await second.answer('c.1', 'c')
  const third = await lives.resume()
  await third.answer('a.1', 'a')
  expect((await third.result).results.map(({ output }) => output)).toEqual(['a', 'b', 'c'])
  const events = collectEvents(third)
  expect(outline(events).filter(line => line.startsWith('input_required'))).toHaveLength(3)
  expect(pickInputs(events).slice(3)).toMatchObject([{ inputId: 'b.1' }, { inputId: 'c.1' }, { inputId: 'a.1' }])
  await expect(third.answer('c.1', 'again')).rejects.toMatchObject({ code: 'INPUT_CLOSED' })
})

test('a tool is called again and gets the answers that were given', async () => {
  const given: unknown[] = []
  const execute = async (_: unknown, { ask: askPerson, attempt }: ToolContext): Promise<unknown> => {
    const answers: unknown[] = []
    for (const message of ['One', 'Two', 'Three']) {
      answers.push(await askPerson({ message }))
      given.push([attempt, ...answers])
    }
    return answers
  }
  const lives = new Lives({ ask: { execute } })
  const first = lives.begin({ tasks: [{ id: 'a', tool: 'ask' }] })
  await idle()
  await first.answer('a.1', 1)
  await idle()
  const second = await lives.resume()
  await second.answer('a.2', 2)
  await idle()
  const third = await lives.resume()
  await third.answer('a.3', 3)
  expect((await third.result).results[0]).toMatchObject({ output: [1, 2, 3], attempts: 3 })
  expect(given).toEqual([
    [1, 1],
    [2, 1],
    [2, 1, 2],
    [3, 1],
    [3, 1, 2],
    [3, 1, 2, 3],
  ])
})

test('an answer that comes before its tool asks again is kept for it', async () => {
  const lives = new Lives(ASK, createMemoryStore(), { maxConcurrency: 1 })
  const first = lives.begin({ tasks: [ask('a'), ask('b')] })
  await idle()
  expect(pickInputs(collectEvents(first))).toHaveLength(2)
  const executor = await lives.resume()
  await Promise.all([executor.answer('b.1', 'b'), executor.answer('a.1', 'a')])
  expect((await executor.result).results.map(({ output }) => output)).toEqual(['a', 'b'])
})

test('a waiting task is not in flight: however often its process crashes, its execution is not parked', async () => {
  const lives = new Lives(ASK)
  lives.begin({ tasks: [ask('a')] })
  await idle()
  let execution = await lives.resume()
  for (let life = 0; life < 5; life++) execution = await lives.resume()
  expect((await lives.store.get('x'))?.parked).toBeUndefined()
  await execution.answer('a.1', 1)
  expect((await execution.result).status).toBe('success')
})

test('the time of expiry is fixed when the question is first asked', async () => {
  const lives = new Lives(ASK)
  lives.begin({ tasks: [ask('a', { expiresMs: 1000 }), ask('b', { expiresMs: 5000, default: 'late' })] })
  await idle()
  await lives.clock.run(600)
  const second = await lives.resume()
  await lives.clock.run(399)
  expect(outline(collectEvents(second))).not.toContain('input_resolved a')
  await lives.clock.run(1)
  expect(pickInputs(collectEvents(second))[2]).toMatchObject({ inputId: 'a.1', outcome: 'expired' })
  await lives.clock.run(10_000)
  const third = await lives.resume()
  expect((await third.result).results).toMatchObject([{ code: 'INPUT_EXPIRED' }, { output: 'late' }])
})

test('a secret answer outlives its process apart from the log, and is removed with the end of its task', async () => {
  const execute = async (_: unknown, { ask: askPerson }: ToolContext): Promise<number> => {
    const secret = await askPerson({ message: 'Password?', secret: true })
    await askPerson({ message: 'Sure?' })
    return String(secret).length
  }
  const lives = new Lives({ ask: { execute } })
  const first = lives.begin({ tasks: [{ id: 'a', tool: 'ask' }] })
  await idle()
  await first.answer('a.1', 'hunter2')
  expect(await lives.store.secrets?.get('x', 'a.1')).toBe('"hunter2"')
  const second = await lives.resume()
  await second.answer('a.2', true)
  expect((await second.result).results[0]?.output).toBe(7)
  await idle()
  expect(await lives.store.secrets?.get('x', 'a.1')).toBeUndefined()
  expect(JSON.stringify(await lives.store.read('x', 0, 1000))).not.toContain('hunter2')
})

test('a store that keeps no secrets has them asked for again after a crash', async () => {
  const execute = async (_: unknown, { ask: askPerson }: ToolContext): Promise<unknown> => {
    await askPerson({ message: 'Password?', secret: true })
    return askPerson({ message: 'Sure?' })
  }
  const { secrets: _, ...store } = createMemoryStore()
  const lives = new Lives({ ask: { execute } }, store)
  const first = lives.begin({ tasks: [{ id: 'a', tool: 'ask' }] })
  await idle()
  await first.answer('a.1', 'hunter2')
  await idle()
  const second = await lives.resume()
  await second.answer('a.1', 'hunter3')
  await idle()
  await second.answer('a.2', 'yes')
  expect((await second.result).results[0]?.output).toBe('yes')
})

test('an approval waits over processes, and is answered once', async () => {
  const called: string[] = []
  const execute = (_: unknown, { taskId }: ToolContext): void => void called.push(taskId)
  const lives = new Lives({ pay: { execute } })
  lives.begin({ tasks: [{ id: 'a', tool: 'pay', approve: { expiresMs: 10_000 } }] })
  await idle()
  await lives.clock.run(5000)
  const second = await lives.resume()
  expect(called).toEqual([])
  await second.answer('a.0', true)
  expect([(await second.result).status, called]).toEqual(['success', ['a']])
})

test('the limit of time holds without the time in which the execution only waited, over processes', async () => {
  const lives = new Lives(
    { ...ASK, w: { execute: (_: unknown, { signal }: ToolContext) => untilAborted(signal) } },
    undefined,
    {
      timeoutMs: 100,
      taskTimeoutMs: 0,
    },
  )
  lives.begin({ tasks: [ask('a'), { id: 'b', tool: 'w', dependsOn: ['a'] }] })
  await lives.clock.run(5000)
  const second = await lives.resume()
  await lives.clock.run(5000)
  const third = await lives.resume()
  await third.answer('a.1', 1)
  await lives.clock.run(99)
  expect(outline(collectEvents(third))).not.toContain('execution_stopping')
  await lives.clock.run(1)
  expect((await third.result).reason?.code).toBe('EXECUTION_TIMEOUT')
  expect(second.executionId).toBe('x')
})

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

test.each([1, 2, 4, 8])('questions stay open in memory that holds only the last %d events', async maxTailEvents => {
  const tools = { ...ASK, echo: (args: unknown) => args }
  const lives = new Lives(tools, createMemoryStore({ maxTailEvents }), { schedule: 'dataflow', timeoutMs: 60_000 })
  const append = vi.spyOn(lives.store, 'append')
  const repeat = { maxTimes: 2, until: 'index == 1' }
  const first = lives.begin({
    tasks: [
      { id: 'pay', tool: 'echo', arguments: {}, dependsOn: ['rounds'], approve: 'Pay?' },
      { id: 'rounds', tool: 'echo', arguments: {}, approve: true, repeat },
      ask('why'),
    ],
  })
  await idle()
  await first.answer('rounds.0', true)
  await idle()
  await lives.resume()
  await lives.clock.run(100_000)
  const last = await lives.resume()
  await lives.clock.run(100_000)
  await last.answer('pay.0', true)
  await last.answer('why.1', 'so')
  const { status, results } = await last.result
  expect(status).toBe('success')
  expect(results.map(({ attempts }) => attempts)).toEqual([1, 1, 3])
  const types = append.mock.calls.flatMap(([, , entries]) => entries.map(({ type }) => type))
  expect(types.filter(type => type === 'input_required')).toHaveLength(3)
})

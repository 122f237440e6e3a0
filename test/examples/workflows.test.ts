import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  compileWorkflow,
  type DAGStructure,
  type ExecutionResult,
  humanAskTool,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { FakeClock } from '../support/fake-clock.ts'

const folder = new URL('../../docs/workflows/', import.meta.url)
const documents = readdirSync(folder).filter(name => name.endsWith('.json'))
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const readDocument = (name: string): DAGStructure => JSON.parse(read(name)) as DAGStructure

type Answer = (args: Record<string, unknown>) => unknown

/** A call of a tool: the task's id and its arguments. */
type Call = readonly [taskId: string, args: Record<string, unknown>]

/** Runs a document with tools that answer so; time passes as fast as it is waited for. */
async function run(
  name: string,
  answers: Readonly<Record<string, Answer>>,
  input?: unknown,
  onInput?: (clock: FakeClock) => unknown,
): Promise<{ readonly calls: readonly Call[]; readonly result: ExecutionResult; readonly tookMs: number }> {
  const calls: Call[] = []
  const tools = Object.entries(answers).map(
    ([tool, answer]): Tool => ({
      name: tool,
      execute(args, { taskId }) {
        calls.push([taskId, args])
        return answer(args)
      },
    }),
  )
  const clock = new FakeClock()
  const startedAt = clock.now()
  const execution = new StreamingExecutor([...tools, humanAskTool], {
    clock,
    ...(onInput && { onInput: () => onInput(clock) }),
  }).stream(readDocument(name), { input })
  const ended = execution.result
  await clock.run(24 * 60 * 60 * 1000)
  const result = await ended
  expect(clock.now() - startedAt).toBe(24 * 60 * 60 * 1000)
  return { calls, result, tookMs: result.executionTimeMs }
}

function codes({ results }: ExecutionResult): Record<string, string> {
  return Object.fromEntries(results.map(({ taskId, status, code }) => [taskId, code ?? status]))
}

test('each kind has a document, and a page that shows it', () => {
  expect(documents.map(name => name.replace('.json', ''))).toEqual([
    'approval',
    'choice',
    'error-path',
    'finally',
    'map-reduce',
    'nested',
    'polling',
  ])
})

test.each(documents)('the page of %s shows the document as it is, and names where it comes from', name => {
  const page = read(name.replace('.json', '.md'))
  const shown = /^```json\n([^]*?)^```/m.exec(page)?.[1] ?? ''
  expect(shown).toBe(read(name))
  expect(page).toMatch(/Argo\s+Workflows|Step\s+Functions|Tekton/)
  expect(page).toContain('## What differs')
})

describe('the document', () => {
  test('choice sends the message to the queue of its category alone', async () => {
    const send: Answer = () => null
    for (const [text, task, queue] of [
      ['COMPLAINT', 'complaint', 'complaints'],
      [' BILLING\n', 'billing', 'billing'],
      ['No idea', 'other', 'other'],
    ] as const) {
      const { calls, result } = await run(
        'choice.json',
        { 'llm:chat': () => ({ text }), 'queue:send': send },
        { message: 'hi' },
      )
      expect(calls.slice(1)).toEqual([[task, { queue, message: 'hi' }]])
      expect([result.status, result.skippedCount, result.output]).toEqual(['success', 2, { category: text }])
      expect(Object.values(codes(result)).filter(code => code === 'CONDITION_FALSE')).toHaveLength(2)
    }
  })

  test('choice refuses an input without a message', () => {
    const tools = { 'llm:chat': () => null, 'queue:send': () => null }
    expect(() => compileWorkflow(readDocument('choice.json'), tools)).not.toThrow()
    expect(() => new StreamingExecutor(tools).stream(readDocument('choice.json'), { input: {} })).toThrow(
      expect.objectContaining({ code: 'INVALID_WORKFLOW' }),
    )
  })

  test('error-path reports whichever step failed, and nothing if none did', async () => {
    const answers = {
      'math:number': () => 3,
      'math:odd': () => true,
      'math:even': () => false,
      'errors:report': () => 'reported',
    }
    const whole = await run('error-path.json', answers, 3)
    expect(codes(whole.result)).toEqual({ number: 'success', odd: 'success', even: 'success', handle: 'NOT_NEEDED' })
    expect([whole.result.status, whole.result.output]).toEqual(['success', { even: false, handled: null }])

    const fail = (): never => {
      throw new Error('no')
    }
    const broken = await run('error-path.json', { ...answers, 'math:odd': fail }, 3)
    expect(codes(broken.result)).toEqual({
      number: 'success',
      odd: 'TOOL_ERROR',
      even: 'DEPENDENCY_FAILED',
      handle: 'success',
    })
    expect(broken.calls.at(-1)).toEqual([
      'handle',
      {
        number: null,
        odd: { code: 'TOOL_ERROR', message: 'no' },
        even: { code: 'DEPENDENCY_FAILED', message: 'Skipped: task `odd` did not succeed' },
      },
    ])
    expect([broken.result.status, broken.result.output]).toEqual(['partial', { even: null, handled: 'reported' }])
  })

  test('map-reduce maps each part by itself and reduces the outputs in their order', async () => {
    const { calls, result } = await run(
      'map-reduce.json',
      {
        'parts:split': ({ count }) => Array.from({ length: count as number }, (_, i) => ({ foo: i + 1 })),
        'parts:double': ({ foo }) => ({ bar: (foo as number) * 2 }),
        'parts:sum': ({ values }) => (values as number[]).reduce((sum, value) => sum + value, 0),
      },
      { numParts: 4 },
    )
    expect(calls.at(-1)).toEqual(['reduce', { values: [2, 4, 6, 8] }])
    expect(calls.filter(([id]) => id.startsWith('map['))).toHaveLength(4)
    expect([result.status, result.output, result.totalTasks]).toEqual(['success', { total: 20 }, 7])
  })

  test('polling asks until the job has ended, ever more seldom', async () => {
    let left = 3
    const answers = {
      'batch:input': () => ({ rows: 3 }),
      'batch:submit': () => ({ jobId: 'j1' }),
      'batch:status': () => ({ status: left-- > 0 ? 'RUNNING' : 'SUCCEEDED' }),
      'batch:result': () => 'rows',
    }
    const { calls, result, tookMs } = await run('polling.json', answers, {})
    expect(calls.map(([id]) => id)).toEqual(['prepare', 'submit', 'wait[0]', 'wait[1]', 'wait[2]', 'wait[3]', 'fetch'])
    expect(tookMs).toBe(5000 * (1 + 1.5 + 2.25))
    expect(result.output).toEqual({ status: 'SUCCEEDED', result: 'rows' })

    const failed = await run('polling.json', { ...answers, 'batch:status': () => ({ status: 'FAILED' }) }, {})
    expect([failed.result.status, failed.result.output]).toEqual(['success', { status: 'FAILED', result: null }])

    const endless = await run('polling.json', { ...answers, 'batch:status': () => ({ status: 'RUNNING' }) }, {})
    expect(codes(endless.result)).toMatchObject({ wait: 'REPEAT_EXHAUSTED', fetch: 'DEPENDENCY_FAILED' })
    expect(endless.tookMs).toBeLessThan(60 * 60 * 1000)
  })

  test('approval waits for a person, at most a day', async () => {
    const decide = async (clock: FakeClock, decision: string): Promise<unknown> => {
      await new Promise<void>(resolve => clock.after(90 * 60_000, resolve))
      return { decision, message: 'Hello' }
    }
    const tools = { 'deploy:release': () => null }
    for (const [decision, end] of [
      ['approved', 'success'],
      ['rejected', 'CONDITION_FALSE'],
    ] as const) {
      const onInput = (clock: FakeClock): unknown => decide(clock, decision)
      const { calls, result, tookMs } = await run('approval.json', tools, { version: '1.2' }, onInput)
      expect([codes(result)['release'], result.status, tookMs]).toEqual([end, 'success', 90 * 60_000])
      expect(calls).toEqual(end === 'success' ? [['release', { version: '1.2', message: 'Hello' }]] : [])
    }
    const unanswered = await run('approval.json', tools, { version: '1.2' })
    expect(codes(unanswered.result)).toEqual({ approve: 'INPUT_EXPIRED', release: 'DEPENDENCY_FAILED' })
  })

  test('nested hands values in and out of the inner workflow', async () => {
    let made = 0
    const { calls, result } = await run('nested.json', {
      'words:generate': () => ({ word: `w${++made}`, file: `f${made}` }),
      'words:print': () => null,
    })
    expect(calls.map(([id]) => id)).toEqual(['generate', 'inner/consume', 'inner/generate', 'consume'])
    expect(calls[1]?.[1]).toEqual({ word: 'w1', file: 'f1' })
    expect(calls[3]?.[1]).toEqual({ word: 'w2', file: 'f2' })
    expect([result.status, result.totalTasks]).toEqual(['success', 5])
  })

  test('finally runs after every ending, and knows which', async () => {
    const texts: unknown[] = []
    const answers = {
      'files:touch': () => null,
      'files:exists': () => true,
      'log:print': ({ text }: Record<string, unknown>) => texts.push(text),
    }
    const whole = await run('finally.json', answers, { path: 'README.md' })
    expect(codes(whole.result)).toMatchObject({ tell: 'success', missing: 'CONDITION_FALSE', done: 'success' })
    expect(texts.splice(0)).toEqual(['There is README.md', 'Ended: success'])

    const other = await run('finally.json', { ...answers, 'files:exists': () => false }, { path: 'x' })
    expect(codes(other.result)).toMatchObject({
      create: 'CONDITION_FALSE',
      missing: 'success',
      done: 'CONDITION_FALSE',
    })
    expect(texts.splice(0)).toEqual(['There is no x'])

    const fail = (): never => {
      throw new Error('no disk')
    }
    const broken = await run('finally.json', { ...answers, 'files:exists': fail }, { path: 'README.md' })
    expect(broken.result.status).toBe('partial')
    expect(texts).toEqual(['Ended: partial, check: no disk'])
  })
})

import { expect, test } from 'vitest'
import { createMemoryStore, StreamingExecutor, type ToolContext } from '../../src/index.ts'
import { bomb, cycle, ONE, run, trap } from './tool-rig.ts'

/** Every function of a context, called wrongly. */
const MISUSES: readonly [string, (context: ToolContext) => void][] = [
  ...[undefined, null, 5, 1n, Symbol('s'), {}, Object.create(null), bomb, cycle, [], () => 1].flatMap(
    (value: unknown, at): [string, (context: ToolContext) => void][] => [
      [`emitToken #${at}`, ({ emitToken }) => emitToken(value as string)],
      [`reportProgress #${at}`, ({ reportProgress }) => reportProgress(value as never)],
      [`progress #${at}`, ({ reportProgress }) => reportProgress({ progress: value as number })],
      [`total #${at}`, ({ reportProgress }) => reportProgress({ progress: 1, total: value as number })],
      [`message #${at}`, ({ reportProgress }) => reportProgress({ progress: 1, message: value as string })],
      [`level #${at}`, ({ log }) => log(value as 'info', 'text')],
      [`log #${at}`, ({ log }) => log('info', value as string)],
      [`reportUsage #${at}`, ({ reportUsage }) => reportUsage(value as never)],
      [`totalTokensIn #${at}`, ({ reportUsage }) => reportUsage({ totalTokensIn: value as number })],
    ],
  ),
  ['a log of no known level', ({ log }) => log('nope' as 'info', 5 as never)],
  ['NaN as progress', ({ reportProgress }) => reportProgress({ progress: Number.NaN, total: Infinity })],
  ['NaN as usage', ({ reportUsage }) => reportUsage({ totalTokensIn: Number.NaN, totalCost: -1 })],
  ['text as usage', ({ reportUsage }) => reportUsage('x' as never)],
  ['progress that throws', ({ reportProgress }) => reportProgress(trap('progress') as never)],
  ['usage that throws', ({ reportUsage }) => reportUsage(trap('totalTokensIn'))],
]

test.each(MISUSES)(
  'a tool that misuses its context by %s succeeds, and what goes over the wire is JSON',
  async (_, misuse) => {
    const { task } = await run((__, context) => {
      misuse(context)
      return 1
    })
    expect(task).toMatchObject({ status: 'success', output: 1 })
  },
)

test('no misuse of a context throws, whenever it comes: from a timer it would end the process', async () => {
  const contexts: ToolContext[] = []
  const thrown: string[] = []
  const misuseAll = (context: ToolContext): void => {
    for (const [name, misuse] of MISUSES) {
      try {
        misuse(context)
      } catch {
        thrown.push(name)
      }
    }
  }
  const { task } = await run(async (_, context) => {
    contexts.push(context)
    await new Promise(resolve => setImmediate(resolve))
    misuseAll(context)
    return 1
  })
  for (const context of contexts) misuseAll(context)
  expect([task.status, [...new Set(thrown)]]).toEqual(['success', []])
})

test('the level of a log is one of four, progress is a number, and usage that cannot be counted is reported', async () => {
  const { emitted } = await run((_, { log, reportProgress, reportUsage }) => {
    log('nope' as 'info', 5 as never)
    reportProgress({ progress: 0.5 })
    reportProgress({} as never)
    reportUsage({ totalTokensIn: 2, totalTokensOut: Number.NaN })
  })
  const about = { taskId: 'a', attempt: 1 }
  expect(emitted).toEqual([
    { type: 'info', ...about, level: expect.stringMatching(/^(debug|info|warning|error)$/), message: '5' },
    { type: 'task_progress', ...about, progress: 0.5 },
    { type: 'info', ...about, level: 'warning', message: expect.stringContaining('rogress') },
    { type: 'info', ...about, level: 'warning', message: expect.stringContaining('totalTokensOut') },
    {
      type: 'token_usage',
      ...about,
      tokenUsage: { totalTokensIn: 2, totalTokensOut: 0 },
      executionTokenUsage: { totalTokensIn: 2, totalTokensOut: 0 },
    },
  ])
})

test.each<[string, (context: ToolContext) => void, string, number]>([
  ['tokens', ({ emitToken }) => emitToken('x'), 'token', 1_000_000],
  ['reports of progress', ({ reportProgress }) => reportProgress({ progress: 1 }), 'task_progress', 200_000],
  ['lines of log', ({ log }) => log('debug', 'x'), 'info', 200_000],
  ['reports of usage', ({ reportUsage }) => reportUsage({ totalTokensOut: 1 }), 'token_usage', 1_000_000],
])('%s in a loop without a pause are all kept, and the execution ends', async (_, emit, type, count) => {
  const execution = new StreamingExecutor(
    {
      work: (__, context) => {
        for (let i = 0; i < count; i++) emit(context)
      },
    },
    // Events that the tail in memory has let go of are read from the store.
    { store: createMemoryStore({ maxTailEvents: 1e6, maxTailBytes: 1e9 }) },
  ).stream(ONE, { buffer: { maxEvents: 1e7, maxBytes: 1e9 } })
  let seen = 0
  for await (const event of execution) {
    if (event.type !== type) continue
    if (event.type === 'token') seen += event.data.text.length
    else if (event.type === 'token_usage') seen += event.data.tokenUsage.totalTokensOut
    else seen += 1
  }
  expect([seen, (await execution.result).status]).toEqual([count, 'success'])
})

import { expect, test } from 'vitest'
import type { SSEEvent } from '../../src/index.ts'
import { rig } from '../support/rig.ts'
import { workflow } from '../support/workflows.ts'

const tokensOf = (events: readonly SSEEvent[]): string[] =>
  events.flatMap(event => (event.type === 'token' ? [event.data.text] : []))

test('half of a character waits for the next token of its attempt', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.context.emitToken('x \ud83d')
  b.context.emitToken('y')
  await tool.idle()
  expect(tokensOf(events)).toEqual(['x ', 'y'])
  a.context.log('info', 'in between')
  b.context.emitToken('\ude80')
  await tool.idle()
  a.context.emitToken('\ude80')
  await tool.idle()
  a.succeed()
  b.succeed()
  await execution.result
  expect(tokensOf(events)).toEqual(['x ', 'y', '\ufffd', '\u{1f680}'])
})

test.each(['succeed', 'fail', 'cancel'] as const)(
  'a half that stays alone is reported when its attempt ends: %s',
  async how => {
    const { tool, execution, events } = rig(workflow('a'))
    const a = await tool.nextCall('a')
    a.context.emitToken('x\ud83d')
    await tool.idle()
    expect(tokensOf(events)).toEqual(['x'])
    if (how === 'cancel') execution.cancel()
    if (how === 'fail') a.fail(new Error('no'))
    else a.succeed()
    await execution.result
    expect(tokensOf(events)).toEqual(['x', '\ufffd'])
    const order = events.map(({ type }) => type)
    expect(order.lastIndexOf('token')).toBeLessThan(order.indexOf('metrics'))
  },
)

test('halves of two attempts are never joined', async () => {
  const { tool, execution, events, clock } = rig(workflow({ id: 'a', tool: 'work', retry: { maxAttempts: 2 } }))
  const first = await tool.nextCall('a')
  first.context.emitToken('\ud83d')
  first.fail(new Error('no'))
  await clock.run(1000)
  const second = await tool.nextCall('a')
  second.context.emitToken('\ude80')
  second.succeed()
  await execution.result
  expect(tokensOf(events)).toEqual(['\ufffd', '\ufffd'])
})

test('messages, codes and errors hold whole characters only, also where they are cut', async () => {
  const { tool, execution, events } = rig(workflow('a'))
  const a = await tool.nextCall('a')
  a.context.log('info', 'x\ud83d')
  a.context.log('info', `${'x'.repeat(8190)}\u{1f680}`)
  a.context.reportProgress({ progress: 1, message: '\ude80' })
  a.fail(Object.assign(new Error('no \ud83d'), { code: `${'C'.repeat(199)}\u{1f680}` }))
  const { results } = await execution.result
  expect(results).toMatchObject([{ error: 'no \ufffd', code: 'C'.repeat(199) }])
  for (const { data } of events) expect(JSON.stringify(data)).not.toMatch(/\\ud/)
  expect(events.flatMap(event => (event.type === 'info' ? [event.data.message] : []))).toEqual([
    'x\ufffd',
    'x'.repeat(8190),
  ])
})

test('an output is passed on unchanged, and a warning names the place of a lone surrogate', async () => {
  const { tool, execution, events } = rig(workflow('a', 'b'))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.succeed({ rows: ['\u{1f680}', { text: 'x\ud83d' }] })
  b.succeed({ text: '\\ud83d \u{1f680}' })
  const { results } = await execution.result
  expect(results.map(({ output }) => output)).toEqual([
    { rows: ['\u{1f680}', { text: 'x\ud83d' }] },
    { text: '\\ud83d \u{1f680}' },
  ])
  expect(events.flatMap(event => (event.type === 'info' ? [event.data] : []))).toMatchObject([
    {
      taskId: 'a',
      level: 'warning',
      message:
        'The output contains a lone surrogate, first at `/rows/1/text`; it is passed on as a JSON escape, which strict readers refuse',
    },
  ])
})

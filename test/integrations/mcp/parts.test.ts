import { describe, expect, test } from 'vitest'
import type { ToolContext } from '../../../src/index.ts'
import { CallProgress } from '../../../src/integrations/mcp/calls/call-progress.ts'
import { type CallSignal, CallSignals } from '../../../src/integrations/mcp/calls/call-signals.ts'
import { IdleTimeout } from '../../../src/integrations/mcp/calls/idle-timeout.ts'
import { LineSplitter } from '../../../src/integrations/mcp/transport/line-splitter.ts'
import { relaxPatterns } from '../../../src/integrations/mcp/listing/relaxed-schema.ts'
import { findSecrets } from '../../../src/integrations/mcp/config/secrets.ts'
import { createRedact, type Redact } from '../../../src/integrations/redact.ts'
import type { Reach } from '../../../src/integrations/mcp/config/server-config.ts'
import { RestartingLink } from '../../../src/integrations/mcp/connection/server-link.ts'
import { ServerLog } from '../../../src/integrations/mcp/connection/server-log.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { collectLines } from './mcp-rig.ts'

describe('a splitter of lines', () => {
  const text = 'one\r\n\ntwo ünïcode\nthree'
  test.each([1, 2, 3, 5, 100])('gives the same lines of chunks of %i bytes', size => {
    const splitter = new LineSplitter(100)
    const bytes = Buffer.from(`${text}\n`)
    const lines: string[] = []
    for (let at = 0; at < bytes.length; at += size) {
      lines.push(...splitter.push(bytes.subarray(at, at + size)).map(line => line.text))
    }
    expect(lines).toEqual(['one', 'two ünïcode', 'three'])
  })

  test.each([1, 3, 100])('cuts a line at its bound, once, in chunks of %i bytes', size => {
    const splitter = new LineSplitter(4)
    const bytes = Buffer.from('abcd\nabcdefghijkl\nxy\n')
    const lines: unknown[] = []
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)))
    expect(lines).toEqual([
      { text: 'abcd', isCut: false },
      { text: 'abcd', isCut: true },
      { text: 'xy', isCut: false },
    ])
  })
})

describe('a redactor', () => {
  const findRedactor = (reach: Reach): Redact => createRedact(findSecrets(reach))

  test('takes secrets out, the longest first, and leaves what is short', () => {
    const headers = { Authorization: 'Bearer abcdef', Key: 'abcdef-long', Short: 'no' }
    const redact = findRedactor({ kind: 'http', url: new URL('http://a/?key=in-query'), headers })
    expect(redact('Bearer abcdef, abcdef, abcdef-long, in-query, no Bearer')).toBe(
      '[redacted], [redacted], [redacted], [redacted], no Bearer',
    )
  })

  test.each([
    [['--token=abcdefg']],
    [['--api-key', 'abcdefg']],
    [['--apiKey=abcdefg']],
    [['-p', 'x', '--db-password', 'abcdefg']],
    [['run', '-e', 'GITHUB_TOKEN=abcdefg']],
    [['--header', 'Authorization: Bearer abcdefg']],
    [['X-Api-Key:abcdefg']],
    [['https://host/mcp?code=abcdefg']],
    [['--url=postgres://me:abcdefg@host/db']],
    [['https://abcdefg@host/']],
  ])('removes the secrets of the arguments %j', args => {
    const redact = findRedactor({ kind: 'process', command: 'node', args, env: {} })
    expect(redact('the value abcdefg was refused')).toBe('the value [redacted] was refused')
  })

  test.each([
    [['abcdefg']],
    [['--folder=abcdefg']],
    [['--author', 'abcdefg']],
    [['--token', '--folder', 'abcdefg']],
    [['https://host/abcdefg']],
    [['C:\\abcdefg']],
  ])('keeps the arguments %j, which are not secrets', args => {
    const redact = findRedactor({ kind: 'process', command: 'node', args, env: {} })
    expect(redact('the value abcdefg was refused')).toBe('the value abcdefg was refused')
  })
})

test('a log reports so many lines in each window, and how many it omitted', () => {
  const clock = new FakeClock()
  const logger = collectLines()
  const log = new ServerLog('s', logger, clock, text => text.replace('secret', '…'))
  for (let n = 0; n < 150; n++) log.debug(`line ${n}`)
  expect(logger.lines).toHaveLength(100)
  clock.advance(1000)
  log.warn(`secret ${'x'.repeat(2000)}`)
  expect(logger.lines.slice(100)).toEqual([
    'warn MCP server `s`: 50 lines were dropped',
    `warn MCP server \`s\`: … ${'x'.repeat(997)}…`,
  ])
})

test('the progress of a call is reported up to a bound, then at intervals, and the last', () => {
  const clock = new FakeClock()
  const told: number[] = []
  const reportProgress = ({ progress }: { progress: number }): void => void told.push(progress)
  const reports = new CallProgress({ reportProgress } as ToolContext, clock)
  clock.advance(1000)
  for (let n = 1; n <= 1500; n++) reports.report({ progress: n })
  clock.advance(100)
  for (let n = 1501; n <= 1600; n++) reports.report({ progress: n })
  expect(told.slice(999)).toEqual([1000, 1001, 1501])
  reports.end()
  reports.end()
  expect(told.slice(1002)).toEqual([1600])
})

describe('an idle timeout', () => {
  test('passes once nothing has happened for long enough', () => {
    const clock = new FakeClock()
    const idle = new IdleTimeout(clock, 100, new AbortController().signal)
    for (let n = 0; n < 5; n++) {
      clock.advance(99)
      idle.restart()
    }
    expect(idle.signal.aborted).toBe(false)
    clock.advance(100)
    expect([idle.signal.aborted, idle.isExpired]).toEqual([true, true])
    idle.restart()
    expect(clock.timerCount).toBe(0)
  })

  test('aborts with the outer signal, and leaves no timer', () => {
    const clock = new FakeClock()
    const outer = new AbortController()
    const idle = new IdleTimeout(clock, 100, outer.signal)
    outer.abort(new Error('stop'))
    expect([idle.signal.reason.message, idle.isExpired]).toEqual(['stop', false])
    idle.stop()
    expect(clock.timerCount).toBe(0)
  })
})

test('patterns that do not compile are taken out of a schema, wherever they stand, and nothing else', () => {
  const schema = {
    type: 'object',
    properties: {
      pattern: { type: 'string', pattern: '[\\w-.]' },
      good: { type: 'string', pattern: '^\\p{L}$' },
      list: { items: { anyOf: [{ pattern: '(' }, { const: { pattern: '(' } }] } },
    },
    patternProperties: { '[\\w-.]': { type: 'string' }, '^a': { pattern: '(' } },
  }
  expect(relaxPatterns(schema)).toEqual({
    type: 'object',
    properties: {
      pattern: { type: 'string' },
      good: { type: 'string', pattern: '^\\p{L}$' },
      list: { items: { anyOf: [{}, { const: { pattern: '(' } }] } },
    },
    patternProperties: { '^a': {} },
  })
})

test('a server that fails again and again is left alone for longer each time, and answers at once when closed', async () => {
  const clock = new FakeClock()
  const log = new ServerLog('s', collectLines(), clock, text => text)
  const reach = { kind: 'process', command: 'no-such-program-here', args: [], env: {} } as const
  const onElicitation = async (): Promise<{ action: 'cancel' }> => ({ action: 'cancel' })
  const host = { reach, clock, log, redact: (text: string) => text, fetch, startTimeoutMs: 1000, onElicitation }
  const link = new RestartingLink('s', host, () => {})
  const failure = { code: 'MCP_SERVER_UNAVAILABLE', message: expect.stringContaining('was not found') }
  await expect(link.connect()).rejects.toMatchObject(failure)
  const delays: (number | undefined)[] = []
  for (let n = 0; n < 9; n++) {
    const next = link.connect()
    delays.push(clock.nextTimerMs)
    clock.advance(clock.nextTimerMs ?? 0)
    await expect(next).rejects.toMatchObject(failure)
  }
  expect(delays).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000])
  const last = link.connect()
  await link.close()
  await expect(last).rejects.toMatchObject({ message: 'MCP server `s` does not start: it was closed' })
  expect(clock.timerCount).toBe(0)
})

describe('the signal of a call', () => {
  const begin = (): { clock: FakeClock; controller: AbortController; signals: CallSignals; signal: CallSignal } => {
    const clock = new FakeClock()
    const controller = new AbortController()
    const signals = new CallSignals(clock)
    return { clock, controller, signals, signal: signals.begin({ signal: controller.signal } as ToolContext) }
  }

  test('aborts with that of the attempt, at once where the call has been running for some time', () => {
    const { clock, controller, signal } = begin()
    let abortCount = 0
    signal.addEventListener('abort', () => (abortCount += 1))
    clock.advance(20)
    controller.abort(new Error('stop'))
    expect([abortCount, signal.aborted, signal.reason]).toEqual([1, true, new Error('stop')])
  })

  test('loses a listener that is removed, and no other', () => {
    const { clock, controller, signal } = begin()
    const heard: string[] = []
    const first = (): void => void heard.push('first')
    signal.addEventListener('abort', first)
    signal.removeEventListener('abort', first)
    signal.addEventListener('abort', () => heard.push('second'))
    signal.removeEventListener('abort', first)
    clock.advance(20)
    controller.abort()
    expect(heard).toEqual(['second'])
  })

  test('aborts a little later where the call had just begun', () => {
    const { clock, controller, signal } = begin()
    controller.abort(new Error('stop'))
    clock.advance(10)
    expect(signal.aborted).toBe(false)
    clock.advance(10)
    expect([signal.aborted, clock.timerCount]).toEqual([true, 0])
  })

  test('is not looked at by a call that ended before', () => {
    const { clock, controller, signals, signal } = begin()
    signals.end(signal)
    controller.abort()
    clock.advance(20)
    expect([signal.aborted, clock.timerCount]).toEqual([false, 0])
  })
})

import { Readable } from 'node:stream'
import picocolors from 'picocolors'
import { expect, test } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { createStrayLines, describeStray, StrayFaults } from '../../src/cli/process/stray-faults.ts'
import { FakeProcess } from './fake-process.ts'

const place = fileOf(import.meta.url)

function fileOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

test('a fault is reported in one line, with the place where it came from', () => {
  const line = describeStray(new TypeError('x is not a function'))
  expect(line).toMatch(
    /^Unhandled error, probably in a tool; the command continues: TypeError: x is not a function, at .*:\d+:\d+\)?$/,
  )
  expect(line).toContain(place)
})

test('a fault of the program itself is reported as that, with the way to it', () => {
  const error = new Error('ours')
  const own = new URL('../../src/cli/target/follow.ts', import.meta.url).href
  error.stack = `Error: ours\n    at one (${own}:1:2)\n    at node:internal/timers:1:1\n    at ${own}:3:4`
  expect(describeStray(error)).toBe(
    `Unhandled error, in dagstream itself: please report it; the command continues: Error: ours, at one (${own}:1:2), at node:internal/timers:1:1, at ${own}:3:4`,
  )
})

const hostile = new Proxy(new Error('hidden'), {
  get() {
    throw new Error('a trap')
  },
})

const withoutStack = Object.assign(new Error('no stack', { cause: new Error('the cause') }), { stack: undefined })

test.each<[string, unknown, string]>([
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a text', 'just text', '`"just text"` (string)'],
  ['a number', 42, '`42` (number)'],
  ['a symbol', Symbol('s'), '`Symbol(s)` (symbol)'],
  ['an object', { secret: 'x' }, 'an object that is not an Error'],
  ['what looks like an error', { message: 'like one' }, 'like one'],
  ['an error without a stack', withoutStack, 'Error: no stack (caused by Error: the cause)'],
  ['a proxy that throws', hostile, 'the thrown value cannot be shown'],
  ['an object without a prototype', Object.create(null), 'an object that is not an Error'],
])('%s can be reported', (_, thrown, told) => {
  expect(describeStray(thrown)).toBe(`Unhandled error, probably in a tool; the command continues: ${told}`)
})

test('a long message is cut, between characters', () => {
  const error = Object.assign(new Error(`${'x'.repeat(492)}😀`.repeat(1000)), { stack: undefined })
  const line = describeStray(error)
  expect([line.length < 1000, line.endsWith('x…')]).toEqual([true, true])
})

test('of many faults twenty a minute are reported, and how many were omitted', () => {
  const lines: string[] = []
  let now = 0
  const strays = new StrayFaults(
    createStrayLines(line => lines.push(line), picocolors.createColors(false)),
    () => now,
  )
  for (let index = 0; index < 1050; index++) strays.take(index)
  expect([lines.length, lines[19]]).toEqual([20, expect.stringContaining('`19` (number)')])
  now = 60_000
  strays.take('later')
  strays.tellRest()
  strays.tellRest()
  expect(lines.slice(20)).toEqual([
    'warning 1,030 more unhandled errors were dropped',
    'warning Unhandled error, probably in a tool; the command continues: `"later"` (string)',
  ])
})

test('while a command runs its faults are reported safely on stderr, and change neither result nor exit code', async () => {
  const process = new FakeProcess('run', '-', '--json')
  const tasks = [{ id: 'a', tool: 'wait', arguments: { ms: 20, value: 1 } }]
  process.stdin = Readable.from([JSON.stringify({ tasks })])
  const code = runCli(process)
  const thrown = Object.assign(new Error('bad\u001b[2J\nsuccess'), { stack: undefined })
  expect(process.strayError(thrown)).toBe(1)
  expect([await code, JSON.parse(process.stdout.text)]).toMatchObject([0, { status: 'success' }])
  expect(process.stderr.text.split('\n')[0]).toBe(
    String.raw`warning Unhandled error, probably in a tool; the command continues: Error: bad\u001b[2J\nsuccess`,
  )
  expect(process.strayError(thrown)).toBe(0)
})

test('a fault is reported beside events on a terminal too', async () => {
  const process = new FakeProcess('run', '-', '--sse')
  Object.assign(process.stdout, { isTTY: true })
  process.stdin = Readable.from([JSON.stringify({ tasks: [{ id: 'a', tool: 'echo' }] })])
  process.stdout.onWrite(text => {
    if (text.includes('event: task_start')) process.strayError('in between')
  })
  expect([await runCli(process), process.stderr.text.split('\n')[0]]).toEqual([
    0,
    'warning Unhandled error, probably in a tool; the command continues: `"in between"` (string)',
  ])
})

import { expect, test } from 'vitest'
import { ChatViewer } from '../../src/cli/render/chat-viewer.ts'
import { event } from './event-rig.ts'
import { contextOf, FakeProcess } from './fake-process.ts'

interface Rig {
  readonly viewer: ChatViewer
  readonly process: FakeProcess
  /** What the terminal shows, lines without trailing spaces. */
  readonly screen: () => string[]
}

/** A viewer on a terminal of 10 columns and 5 rows that both streams write to. */
function rig(given: { isVerbose?: boolean; term?: string } = {}): Rig {
  const process = new FakeProcess()
  process.env['TERM'] = given.term ?? 'xterm'
  let written = ''
  for (const stream of [process.stdout, process.stderr]) {
    Object.assign(stream, { isTTY: true, columns: 10, rows: 5 })
    stream.onWrite(text => (written += text))
  }
  const options = { isStreaming: true, isVerbose: given.isVerbose ?? false, onGone: () => {} }
  return { viewer: new ChatViewer(contextOf(process), options), process, screen: () => draw(written, 10) }
}

/** What a terminal makes of text, line feeds, and the two sequences that the viewer uses; nothing scrolls. */
function draw(text: string, columns: number): string[] {
  const lines: string[] = ['']
  let row = 0
  let column = 0
  // oxlint-disable-next-line no-control-regex -- it is what terminals are told by
  for (const [piece] of text.matchAll(/\u001b\[(\d*)([AJ])|[^]/g)) {
    if (piece === '\n') [row, column] = [row + 1, 0]
    else if (piece === '\r') column = 0
    else if (piece.endsWith('A') && piece.length > 1) row -= Number.parseInt(piece.slice(2), 10)
    else if (piece.endsWith('J') && piece.length > 1) {
      lines[row] = (lines[row] ?? '').slice(0, column)
      lines.length = row + 1
    } else {
      const width = piece > '\u3000' ? 2 : 1
      if (column + width > columns) [row, column] = [row + 1, 0]
      lines[row] = (lines[row] ?? '').padEnd(column).slice(0, column) + piece.padEnd(width)
      column += width
    }
    while (lines.length <= row) lines.push('')
  }
  return lines.map(line => line.trimEnd())
}

const token = (text: string) => event('token', { taskId: 'chat', attempt: 1, text })
const retry = event('task_retry', { taskId: 'chat', attempt: 1, delayMs: 5, error: 'no', code: 'NETWORK_ERROR' })
const MARK = 'Discard the text above: the answer restarts\n'

test.each([
  ['one line', ['abc']],
  ['a line that just fits', ['abcdefghij']],
  ['lines that wrap', ['abcdefghijklm', 'nopqrstuvwxyz']],
  ['lines of their own', ['a\nb\n', 'c\n']],
  ['a full line and its end', ['abcdefghij\nk']],
  ['wide characters', ['日本語日本語', 'x']],
])('the text of a failed attempt is erased completely: %s', async (_, texts) => {
  const { viewer, process, screen } = rig()
  for (const text of texts) await viewer.show(token(text))
  await viewer.show(retry)
  expect(screen()).toEqual([''])
  await viewer.show(token('Six.'))
  await viewer.finish('Six.')
  expect([screen(), process.stderr.text]).toEqual([['Six.', ''], ''])
})

test('a second retry takes back only its own attempt and leaves the line between them', async () => {
  const { viewer, screen } = rig({ isVerbose: true })
  await viewer.show(token('abc'))
  await viewer.show(retry)
  const told = screen()
  await viewer.show(token('def'))
  await viewer.show(event('task_retry', { ...retry.data, attempt: 2 } as never))
  expect(screen().slice(0, told.length - 1)).toEqual(told.slice(0, -1))
  expect(screen().join('')).not.toMatch(/abc|def/)
})

test('a notice during the answer is a line of its own and is erased with it', async () => {
  const { viewer, screen } = rig()
  await viewer.show(token('abc'))
  await viewer.say('lost')
  await viewer.show(token('def'))
  expect(screen()).toEqual(['abc', 'lost', 'def'])
  await viewer.show(retry)
  expect(screen()).toEqual([''])
})

test.each([
  ['it has scrolled out', 'a\nb\nc\nd\ne\nf'],
  ['its width is uncertain', '👩‍👩‍👧'],
])('text that cannot be erased is declared void: %s', async (_, text) => {
  const { viewer, process } = rig()
  await viewer.show(token(text))
  await viewer.show(retry)
  expect([process.stdout.text, process.stderr.text]).toEqual([`${text}\n`, MARK])
})

test('a terminal that has changed its width, or cannot move its cursor, gets a note instead', async () => {
  const narrowed = rig()
  await narrowed.viewer.show(token('abc'))
  narrowed.process.stdout.columns = 5
  await narrowed.viewer.show(retry)
  const dumb = rig({ term: 'dumb' })
  await dumb.viewer.show(token('abc'))
  await dumb.viewer.show(retry)
  expect([narrowed.process.stderr.text, dumb.process.stderr.text]).toEqual([MARK, MARK])
})

test('after a snapshot the answer is taken from the result, since earlier text is unknown', async () => {
  const { viewer, process, screen } = rig()
  await viewer.show(token('abc'))
  const counts = { totalTasks: 1, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
  const tokenUsage = { totalTokensIn: 5, totalTokensOut: 0 }
  await viewer.show(event('snapshot', { seq: 9, status: 'running', tasks: [], counts, tokenUsage }))
  await viewer.show(token('ghi'))
  expect([screen(), viewer.tokenUsage]).toEqual([[''], tokenUsage])
  await viewer.finish('abcdefghi')
  expect([screen(), process.stderr.text]).toEqual([['abcdefghi', ''], ''])
})

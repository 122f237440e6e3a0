import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../../src/cli/process/console.ts'
import { readWorkflow } from '../../src/cli/input/read-workflow.ts'
import { FakeProcess } from './fake-process.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dagstream-'))
  await writeFile(join(cwd, 'good.json'), '\ufeff{"tasks": []}')
  await writeFile(join(cwd, 'bad.json'), '{\n  "tasks": [,]\n}')
  await writeFile(join(cwd, 'cut.json'), '{\n  "tasks": [')
  await writeFile(join(cwd, 'empty.json'), ' \n')
  await writeFile(join(cwd, 'brief.yaml'), 'tasks: []\n')
  await writeFile(join(cwd, 'binary.json'), new Uint8Array([0xff, 0xfe, 0x7b]))
})
afterAll(() => rm(cwd, { recursive: true }))

const read = (file: string, maxBytes?: number, stdin: string[] = []): Promise<unknown> =>
  readWorkflow(file, { stdin: Readable.from(stdin), cwd }, maxBytes)

test('a file and standard input are read as JSON', async () => {
  expect(await read('good.json')).toEqual({ tasks: [] })
  expect(await read('-', undefined, ['{"tas', 'ks": []}'])).toEqual({ tasks: [] })
})

test.each([
  ['bad.json', '`bad.json` is not valid JSON at line 2, column 13: unexpected `,]`'],
  ['cut.json', '`cut.json` is not valid JSON at line 2, column 13: the line ends where more was expected'],
  ['empty.json', '`empty.json` is not valid JSON at line 2, column 1: it is empty'],
  ['binary.json', '`binary.json` is not UTF-8 text'],
  [
    'brief.yaml',
    '`brief.yaml` is not valid JSON at line 1, column 1: unexpected `tasks: []`. Only JSON is read, no YAML',
  ],
  ['good.json/x', 'Cannot read `good.json/x`: there is no such file'],
  ['missing.json', 'Cannot read `missing.json`: there is no such file'],
  ['.', 'Cannot read `.`: it is a directory'],
])('%s is refused with the fault', async (file, message) => {
  await expect(read(file)).rejects.toEqual(new UsageError(message))
})

test('a terminal is prompted for standard input, and a pipe is not', async () => {
  const { stderr } = new FakeProcess()
  for (const isTTY of [false, true]) {
    const stdin = Object.assign(Readable.from(['{}']), { isTTY })
    await readWorkflow('-', { stdin, cwd, stderr })
    expect(stderr.text).toBe(isTTY ? 'Reading from standard input; end it with Ctrl-D\n' : '')
  }
})

test('a file and standard input are bounded', async () => {
  await expect(read('good.json', 10)).rejects.toEqual(new UsageError('Expected `good.json` to have at most 10 bytes'))
  await expect(read('-', 10, ['{"tasks"', ': []}'])).rejects.toEqual(
    new UsageError('Expected standard input to have at most 10 bytes'),
  )
})

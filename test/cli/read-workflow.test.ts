import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../../src/cli/console.ts'
import { readWorkflow } from '../../src/cli/read-workflow.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dagstream-'))
  await writeFile(join(cwd, 'good.json'), '\ufeff{"tasks": []}')
  await writeFile(join(cwd, 'bad.json'), '{\n  "tasks": [,]\n}')
  await writeFile(join(cwd, 'cut.json'), '{\n  "tasks": [')
  await writeFile(join(cwd, 'empty.json'), ' \n')
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
  ['missing.json', 'Cannot read `missing.json`: there is no such file'],
  ['.', 'Cannot read `.`: it is a directory'],
])('%s is refused with what is wrong', async (file, message) => {
  await expect(read(file)).rejects.toEqual(new UsageError(message))
})

test('a file and standard input are bounded', async () => {
  await expect(read('good.json', 10)).rejects.toEqual(new UsageError('Expected `good.json` to have at most 10 bytes'))
  await expect(read('-', 10, ['{"tasks"', ': []}'])).rejects.toEqual(
    new UsageError('Expected standard input to have at most 10 bytes'),
  )
})

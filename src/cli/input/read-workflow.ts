import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { findDuplicateKeys } from '../../json/duplicate-keys.ts'
import { findJsonError } from '../../json/json-error.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { TextPosition } from '../../json/text-position.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { toPlainLine } from '../render/text.ts'
import { cutText } from '../../text.ts'

/** Maximum size of a workflow's text, bytes. */
const MAX_WORKFLOW_BYTES: number = 64 * 1024 * 1024

/** The parts of the process that reading needs. */
type Reading = Pick<CliProcess, 'stdin' | 'cwd'> & Partial<Pick<CliProcess, 'stderr'>>

/** A JSON document with its text, for the positions of problems that are found later. */
export interface Source {
  readonly value: unknown
  readonly text: string
}

/** The value of `readSource`. */
export async function readWorkflow(file: string, process: Reading, maxBytes?: number): Promise<unknown> {
  return (await readSource(file, process, maxBytes)).value
}

/**
 * Reads the JSON of a file, or of standard input for `-`. At most 64 MiB, UTF-8. See `parseDocument`.
 * @throws UsageError naming the file, the problem and, for invalid JSON, the line and column
 */
export async function readSource(
  file: string,
  process: Reading,
  maxBytes: number = MAX_WORKFLOW_BYTES,
): Promise<Source> {
  const text = await readText(file, process, maxBytes)
  return { value: parseDocument(text, nameOf(file)), text }
}

/** Reads the text of a file, or of standard input for `-`. UTF-8. @throws UsageError naming the file and the problem */
export async function readText(file: string, { stdin, cwd, stderr }: Reading, maxBytes: number): Promise<string> {
  const name = nameOf(file)
  // Otherwise the command would appear to hang.
  if (file === '-' && stdin.isTTY) stderr?.write('Reading from standard input; end it with Ctrl-D\n', () => {})
  const bytes = await (file === '-' ? readAll(stdin, maxBytes, name) : readFile(resolve(cwd, file), maxBytes, name))
  return decode(bytes, name)
}

/** A file in messages. */
export function nameOf(file: string): string {
  return file === '-' ? 'standard input' : `\`${file}\``
}

/**
 * Parses a JSON text written by a person; numbers keep their digits as with `parseJson`.
 * @throws UsageError with the line and column of the first syntax error or duplicate key
 */
export function parseDocument(text: string, name: string): unknown {
  let value: unknown
  try {
    value = parseJson(text)
  } catch {
    const position = findJsonError(text)
    const where = position ? ` at line ${position.line}, column ${position.column}` : ''
    const found = text.trim() === '' ? ': it is empty' : foundAt(text, position)
    const hint = /\.ya?ml`$/i.test(name) ? '. Only JSON is read, no YAML' : ''
    throw new UsageError(`${name} is not valid JSON${where}${found}${hint}`)
  }
  const [duplicate] = findDuplicateKeys(text, value)
  if (duplicate === undefined) return value
  const { key, position, path } = duplicate
  const where = `at line ${position.line}, column ${position.column}`
  const place = path.length > 1 ? ` (\`${cutText(toPlainLine(formatPointer(path)), 200)}\`)` : ''
  throw new UsageError(
    `${name} has the key ${quoteName(toPlainLine(key))} twice in one object ${where}${place}: keep one`,
  )
}

async function readFile(path: string, maxBytes: number, name: string): Promise<Uint8Array> {
  let handle: Awaited<ReturnType<typeof open>> | undefined
  try {
    handle = await open(path)
    return await readAll(handle.createReadStream({ autoClose: false }), maxBytes, name)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`Cannot read ${name}: ${whyUnreadable(error as NodeJS.ErrnoException)}`)
  } finally {
    await handle?.close()
  }
}

async function readAll(
  source: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
  name: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    size += bytes.byteLength
    if (size > maxBytes) throw new UsageError(`Expected ${name} to have at most ${maxBytes} bytes`)
    chunks.push(bytes)
  }
  return Buffer.concat(chunks)
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UsageError(`${name} is not UTF-8 text`)
  }
}

/** Why a file cannot be read, for the end of a message. */
export function whyUnreadable(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return 'there is no such file'
  if (error.code === 'EISDIR') return 'it is a directory'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}

/** The text at the position of the error. */
function foundAt(text: string, position: TextPosition | undefined): string {
  if (!position) return ''
  const line = text.split('\n', position.line)[position.line - 1] ?? ''
  const rest = cutText(line.slice(position.column - 1), 20).trim()
  return rest === '' ? ': the line ends where more was expected' : `: unexpected \`${rest}\``
}

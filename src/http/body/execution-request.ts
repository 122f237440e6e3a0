import { afterTurn } from '../../clock.ts'
import { DagstreamError, describeValue } from '../../errors.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { type DuplicateKey, findDuplicateKeys } from '../../json/duplicate-keys.ts'
import { findJsonError } from '../../json/json-error.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import { type DAGStructure, LIMITS, type WorkflowIssue } from '../../workflow/document.ts'
import { IssueList } from '../../workflow/issues.ts'
import type { WorkflowText } from '../../workflow/locate-issues.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import { badRequest, HttpProblem } from '../answers/problem.ts'
import { parseOptions, type ServerBounds } from './execution-options.ts'

/** The workflow of a request body: the whole body, or a field beside its input and options. */
export interface WorkflowEnvelope {
  readonly workflow: unknown
  /** Duplicate keys in objects of the workflow. */
  readonly duplicates: readonly WorkflowIssue[]
  readonly input?: unknown
  readonly options?: unknown
}

/** A body and its parsed value. */
export interface JsonBody {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly text: string
  /** Numbers with their digits, as `parseJson` gives them. */
  readonly value: unknown
  /** Duplicate keys in its objects, the first `LIMITS.maxIssues`. */
  readonly duplicateKeys: readonly DuplicateKey[]
}

/**
 * Above this size a body is parsed in one turn of the event loop and checked in the next, bytes. Parsing takes about 10 ms.
 */
const MAX_AT_ONCE_BYTES = 256 * 1024

/**
 * @throws HttpProblem 400 for a body that is not JSON, 413 above the bound, 415 for another media type and for any
 * `Content-Encoding`
 */
export async function readJson(request: Request): Promise<JsonBody> {
  refuseEncoding(request)
  const type = request.headers.get('content-type')
  if (type === null || !JSON_TYPE.test(type)) {
    const hint = /ndjson|jsonl/i.test(type ?? '') ? ': a plan goes to /executions, as `application/x-ndjson`' : ''
    const found = type === null ? 'none' : describeValue(type)
    const detail = `Expected \`Content-Type: application/json\`, got ${found}${hint}`
    throw new HttpProblem(415, { title: 'Unsupported media type', detail })
  }
  const bytes = new Uint8Array(await readBytes(request))
  if (bytes.byteLength > LIMITS.maxBodyBytes) throw bodyTooLarge()
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw badRequest('Expected the body to be UTF-8')
  }
  const parsed = parse(text)
  // The checks that follow take twice as long as parsing.
  if (bytes.byteLength > MAX_AT_ONCE_BYTES) await new Promise<void>(afterTurn)
  return { bytes, text, ...parsed }
}

function parse(text: string): Pick<JsonBody, 'value' | 'duplicateKeys'> {
  try {
    const value = parseJson(text)
    return { value, duplicateKeys: findDuplicateKeys(text, value, LIMITS.maxIssues) }
  } catch {
    const { line, column } = findJsonError(text) ?? { line: 1, column: 1 }
    // Language models answer with fenced JSON.
    const hint = text.trimStart().startsWith('```') ? '. Leave out the fence around it' : ''
    throw badRequest(`Expected the body to be JSON: it is not at line ${line}, column ${column}${hint}`)
  }
}

/**
 * RFC 9110, 15.5.16: the answer to an unsupported encoding names the supported ones.
 * @throws HttpProblem 415 for any `Content-Encoding`
 */
export function refuseEncoding(request: Request): void {
  const encoding = request.headers.get('content-encoding')
  const codings = (encoding ?? '').split(',').map(coding => coding.trim().toLowerCase())
  if (encoding === null || codings.every(coding => coding === 'identity' || coding === '')) return
  const detail = `Expected a body without \`Content-Encoding\`, got ${describeValue(encoding)}: send it uncompressed`
  const headers = { 'Accept-Encoding': 'identity' }
  throw new HttpProblem(415, { title: 'Unsupported media type', detail }, headers)
}

/** The error for a body above its bound. */
export function bodyTooLarge(maxBodyBytes: number = LIMITS.maxBodyBytes): HttpProblem {
  const detail = `Expected a body of at most ${maxBodyBytes} bytes`
  return new HttpProblem(413, { title: 'Content too large', detail, maxBodyBytes })
}

/** Where the workflow of a body stands in its text, and the input: all of it, or what `parseEnvelope` takes. */
export function findWorkflowText({ value, text }: JsonBody): WorkflowText {
  return isEnvelope(value) ? { text, path: ['workflow'], inputPath: ['input'] } : { text }
}

function isEnvelope(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value) && Object.hasOwn(value, 'workflow')
}

/**
 * Parses a bare workflow, or an envelope with a workflow and the given `fields`.
 * @throws HttpProblem 400 for any other field, and for a duplicate key outside the workflow
 */
export function parseEnvelope({ value, duplicateKeys }: JsonBody, fields: readonly string[]): WorkflowEnvelope {
  if (!isEnvelope(value)) {
    return { workflow: value, duplicates: toIssues(duplicateKeys) }
  }
  const outside = duplicateKeys.find(({ path }) => path[0] !== 'workflow' || path.length === 1)
  if (outside !== undefined) throw refuseDuplicate(outside)
  const duplicates = toIssues(duplicateKeys.map(each => ({ ...each, path: each.path.slice(1) })))
  const { workflow, ...rest } = value
  expectFields(rest, fields, 'allowed beside `workflow` are')
  const { input, options } = rest
  expectWritable(input)
  return { workflow, input, options, duplicates }
}

/** @throws HttpProblem 400 */
function expectFields(value: Readonly<Record<string, unknown>>, known: readonly string[], say: string): void {
  const unknown = Object.keys(value).find(name => !known.includes(name))
  if (unknown === undefined) return
  throw badRequest(`Unknown field ${describeValue(unknown)}: ${say} ${known.join(', ')}`)
}

/** @throws HttpProblem 400 for an input that is nested too deep */
function expectWritable(input: unknown): void {
  if (!isJsonObject(input) && !Array.isArray(input)) return
  if (tryWrite(input) === undefined) throw badRequest('`input` is nested too deep')
}

function refuseDuplicate(duplicate: DuplicateKey): HttpProblem {
  return badRequest(`${describeDuplicate(duplicate)} (\`${toIssues([duplicate])[0]?.pointer}\`)`)
}

/** Serializes a value; `undefined` if it is nested too deeply. The later checks refuse such a workflow. */
function tryWrite(value: unknown): string | undefined {
  try {
    return stringifyJson(value)
  } catch {
    return undefined
  }
}

/**
 * @throws HttpProblem 400 for an option that is unknown, invalid, or above the bound of the server; DagstreamError
 * `INVALID_WORKFLOW` for a workflow with duplicate keys
 */
export function parseExecutionRequest(body: JsonBody, server: ServerBounds): ExecutionRequest {
  const { workflow, input, options, duplicates } = parseEnvelope(body, ['input', 'options'])
  if (duplicates.length > 0) throw refuseDuplicates(duplicates)
  return {
    workflow: workflow as DAGStructure,
    workflowJson: workflow === body.value ? body.text : (tryWrite(workflow) ?? ''),
    input,
    ...parseOptions(options, server),
  }
}

/**
 * A request for a registered workflow: `{input?, options?}`.
 * @throws HttpProblem 400 for any other body, and for a duplicate key
 */
export function parseNamedRequest(body: JsonBody, workflow: DAGStructure, server: ServerBounds): ExecutionRequest {
  const { value, duplicateKeys } = body
  const [duplicate] = duplicateKeys
  if (!isJsonObject(value)) throw badRequest(`Expected an object of input and options, got ${describeJson(value)}`)
  if (duplicate !== undefined) throw refuseDuplicate(duplicate)
  expectFields(value, ['input', 'options'], 'allowed are')
  const { input, options } = value
  expectWritable(input)
  return { workflow, workflowJson: stringifyJson(workflow), input, ...parseOptions(options, server) }
}

/**
 * A request whose whole body, an object, is the input of a registered workflow.
 * @throws HttpProblem 400 for any other body, and for a duplicate key
 */
export function parseInputRequest({ value, duplicateKeys }: JsonBody, workflow: DAGStructure): ExecutionRequest {
  const [duplicate] = duplicateKeys
  if (!isJsonObject(value)) throw badRequest(`Expected an object, got ${describeJson(value)}`)
  if (duplicate !== undefined) throw refuseDuplicate(duplicate)
  if (tryWrite(value) === undefined) throw badRequest('The body is nested too deep')
  return { workflow, workflowJson: stringifyJson(workflow), input: value, options: {} }
}

/** Issues for duplicate keys, with pointers into the body. */
export function toIssues(duplicateKeys: readonly DuplicateKey[]): readonly WorkflowIssue[] {
  const list = new IssueList()
  for (const each of duplicateKeys) {
    const extra = { hint: 'Keep one of the two', ...each.position }
    list.add('DUPLICATE_KEY', formatPointer(each.path), describeDuplicate(each), extra)
  }
  return list.issues
}

function describeDuplicate({ key, position: { line, column } }: DuplicateKey): string {
  return `The key ${quoteName(key)} is duplicated in one object: again at line ${line}, column ${column}`
}

/** The error that `compileWorkflow` throws for problems. */
export function refuseDuplicates(issues: readonly WorkflowIssue[]): DagstreamError {
  const [first] = issues
  const message = `${first?.code} at \`${first?.pointer}\`: ${first?.message}`
  return new DagstreamError('INVALID_WORKFLOW', message, { details: { issues, issueCount: issues.length } })
}

const JSON_TYPE = /^application\/(?:[!#$&^_.+\w-]+\+)?json\s*(?:;|$)/i

/** A body whose client disconnects before its end is refused. */
async function readBytes(request: Request): Promise<ArrayBuffer> {
  try {
    return await request.arrayBuffer()
  } catch {
    throw badRequest('The body could not be read')
  }
}

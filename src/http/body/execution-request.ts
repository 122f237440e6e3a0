import { afterTurn } from '../../clock.ts'
import { DagstreamError, describeValue } from '../../errors.ts'
import type { ResolvedOptions } from '../../engine/options.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { type DuplicateKey, findDuplicateKeys } from '../../json/duplicate-keys.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { findJsonError } from '../../json/json-error.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { formatPointer, quoteName } from '../../tools/json-pointer.ts'
import { type DAGStructure, LIMITS, type WorkflowIssue } from '../../workflow/document.ts'
import { IssueList } from '../../workflow/issues.ts'
import type { WorkflowText } from '../../workflow/locate-issues.ts'
import type { RepeatClaim } from '../../host/execution/claimant.ts'
import { parseDisconnectRule } from '../../host/execution/disconnect-policy.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import { badRequest, HttpProblem } from '../answers/problem.ts'

/** A workflow as a request brings it: by itself, or beside its input and options. */
export interface WorkflowEnvelope {
  readonly workflow: unknown
  /** Keys that an object of the workflow has more than once. */
  readonly duplicates: readonly WorkflowIssue[]
  readonly input?: unknown
  readonly options?: unknown
}

/** A body and what it says. */
export interface JsonBody {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly text: string
  /** Numbers with their digits, as `parseJson` gives them. */
  readonly value: unknown
  /** Keys that an object of it has more than once, the first `LIMITS.maxIssues`. */
  readonly duplicateKeys: readonly DuplicateKey[]
}

/** A larger body is parsed and checked in two turns of the event loop, bytes: it takes some 10 ms to parse. */
const MAX_AT_ONCE_BYTES = 256 * 1024

/** @throws HttpProblem 400 for what is not JSON, 413 above the bound, 415 for another type and for a body that is encoded */
export async function readJson(request: Request): Promise<JsonBody> {
  refuseEncoding(request)
  const type = request.headers.get('content-type')
  if (type === null || !JSON_TYPE.test(type)) {
    const detail = `Expected \`Content-Type: application/json\`, got ${type === null ? 'none' : describeValue(type)}`
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
  // The checks that follow take twice as long as this.
  if (bytes.byteLength > MAX_AT_ONCE_BYTES) await new Promise<void>(afterTurn)
  return { bytes, text, ...parsed }
}

function parse(text: string): Pick<JsonBody, 'value' | 'duplicateKeys'> {
  try {
    const value = parseJson(text)
    return { value, duplicateKeys: findDuplicateKeys(text, value, LIMITS.maxIssues) }
  } catch {
    const { line, column } = findJsonError(text) ?? { line: 1, column: 1 }
    throw badRequest(`Expected the body to be JSON: it is not at line ${line}, column ${column}`)
  }
}

/** RFC 9110, 15.5.16: the answer to an encoding that is not taken says which ones are. */
function refuseEncoding(request: Request): void {
  const encoding = request.headers.get('content-encoding')
  const codings = (encoding ?? '').split(',').map(coding => coding.trim().toLowerCase())
  if (encoding === null || codings.every(coding => coding === 'identity' || coding === '')) return
  const detail = `Expected a body without \`Content-Encoding\`, got ${describeValue(encoding)}: send it unpacked`
  const headers = { 'Accept-Encoding': 'identity' }
  throw new HttpProblem(415, { title: 'Unsupported media type', detail }, headers)
}

/** A body is over the bound. */
export function bodyTooLarge(): HttpProblem {
  const detail = `Expected a body of at most ${LIMITS.maxBodyBytes} bytes`
  return new HttpProblem(413, { title: 'Content too large', detail, maxBodyBytes: LIMITS.maxBodyBytes })
}

/** Where the workflow of a body stands in its text: all of it, or what `parseEnvelope` takes. */
export function findWorkflowText({ value, text }: JsonBody): WorkflowText {
  return isEnvelope(value) ? { text, path: ['workflow'] } : { text }
}

function isEnvelope(value: unknown): value is Record<string, unknown> {
  return isJsonObject(value) && Object.hasOwn(value, 'workflow')
}

/**
 * A bare workflow, or one with what `fields` names beside it.
 * @throws HttpProblem 400 for anything else beside it, and for a key that an object has twice, outside of the workflow
 */
export function parseEnvelope({ value, duplicateKeys }: JsonBody, fields: readonly string[]): WorkflowEnvelope {
  if (!isEnvelope(value)) {
    return { workflow: value, duplicates: toIssues(duplicateKeys) }
  }
  const outside = duplicateKeys.find(({ path }) => path[0] !== 'workflow' || path.length === 1)
  if (outside !== undefined) throw badRequest(`${describeDuplicate(outside)} (\`${toIssues([outside])[0]?.pointer}\`)`)
  const duplicates = toIssues(duplicateKeys.map(each => ({ ...each, path: each.path.slice(1) })))
  const unknown = Object.keys(value).find(name => name !== 'workflow' && !fields.includes(name))
  if (unknown !== undefined) {
    throw badRequest(`Unknown field ${describeValue(unknown)}: beside \`workflow\` there may be ${fields.join(', ')}`)
  }
  const { workflow, input, options } = value
  if (isJsonObject(input) || Array.isArray(input)) {
    if (tryWrite(input) === undefined) throw badRequest('`input` is nested too deep')
  }
  return { workflow, input, options, duplicates }
}

/** JSON again; `undefined` for what is nested too deep for that. A workflow like that is refused by its checks, which come later. */
function tryWrite(value: unknown): string | undefined {
  try {
    return stringifyJson(value)
  } catch {
    return undefined
  }
}

/**
 * @throws HttpProblem 400 for an option that is unknown, wrong, or above the server's own; DagstreamError `INVALID_WORKFLOW`
 * for a workflow with a key twice in one object
 */
export function parseExecutionRequest(body: JsonBody, server: ServerBounds): ExecutionRequest {
  const { workflow, input, options: given = {}, duplicates } = parseEnvelope(body, ['input', 'options'])
  if (!isJsonObject(given)) throw badRequest(`Expected \`options\` to be an object, got ${describeJson(given)}`)
  if (duplicates.length > 0) throw refuseDuplicates(duplicates)
  // They are only read here.
  const { onDisconnect, ...rest } = toDoubles(given) as Record<string, unknown>
  for (const [name, value] of Object.entries(rest)) {
    const problem = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof typeof OPTIONS](value, server) : UNKNOWN
    if (problem !== undefined) {
      throw badRequest(`Expected \`options.${name}\` to be ${problem}, got ${describeValue(value)}`, 'INVALID_OPTION')
    }
  }
  return {
    workflow: workflow as DAGStructure,
    workflowJson: workflow === body.value ? body.text : (tryWrite(workflow) ?? ''),
    input,
    options: rest,
    isGraceAsked: onDisconnect !== undefined,
    graceMs: onDisconnect === undefined ? undefined : parseGrace(onDisconnect, server.graceMs),
  }
}

function toIssues(duplicateKeys: readonly DuplicateKey[]): readonly WorkflowIssue[] {
  const list = new IssueList()
  for (const each of duplicateKeys) {
    const extra = { hint: 'Keep one of the two', ...each.position }
    list.add('DUPLICATE_KEY', formatPointer(each.path), describeDuplicate(each), extra)
  }
  return list.issues
}

function describeDuplicate({ key, position: { line, column } }: DuplicateKey): string {
  return `The key ${quoteName(key)} stands twice in one object: again at line ${line}, column ${column}`
}

/** As `compileWorkflow` tells of problems. */
function refuseDuplicates(issues: readonly WorkflowIssue[]): DagstreamError {
  const [first] = issues
  const message = `${first?.code} at \`${first?.pointer}\`: ${first?.message}`
  return new DagstreamError('INVALID_WORKFLOW', message, { details: { issues, issueCount: issues.length } })
}

/** @throws HttpProblem 400 for a key that is none */
export async function parseRepeatClaim(request: Request, { bytes }: JsonBody): Promise<RepeatClaim> {
  const idempotencyKey = request.headers.get('idempotency-key')
  if (idempotencyKey === null) return {}
  if (/^[\x21-\x7e]{1,255}$/.test(idempotencyKey)) return { idempotencyKey, requestHash: await hash(bytes) }
  throw badRequest('Expected `Idempotency-Key` to be 1–255 visible ASCII characters')
}

/** What no request may exceed. */
export type ServerBounds = Pick<ResolvedOptions, 'maxConcurrency' | 'timeoutMs'> & { readonly graceMs: number }

const UNKNOWN = 'absent: known are schedule, onTaskError, onCrash, maxConcurrency, timeoutMs and onDisconnect'

/** What each option should have been, where it is not that. */
const OPTIONS = {
  schedule: (value: unknown) => (value === 'layers' || value === 'dataflow' ? undefined : '"layers" or "dataflow"'),
  onTaskError: (value: unknown) =>
    value === 'continue' || value === 'fail-fast' ? undefined : '"continue" or "fail-fast"',
  onCrash: (value: unknown) => (value === 'resume' || value === 'fail' ? undefined : '"resume" or "fail"'),
  maxConcurrency: (value: unknown, { maxConcurrency: most }: ServerBounds) => {
    if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= most) return undefined
    return most === Number.POSITIVE_INFINITY ? 'a positive integer' : `an integer from 1 to ${most}, the server's own`
  },
  timeoutMs: (value: unknown, { timeoutMs: most }: ServerBounds) => {
    const isTime = typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
    if (isTime && (most === 0 || (value > 0 && value <= most))) return undefined
    return most === 0 ? 'a number of milliseconds, 0 or more' : `more than 0 and at most ${most} ms, the server's own`
  },
}

/** To go on for ever may be asked of every server: it is what `Prefer: respond-async` does. */
function parseGrace(rule: unknown, most: number): number {
  let graceMs: number
  try {
    graceMs = parseDisconnectRule(rule)
  } catch (error) {
    throw badRequest((error as Error).message, 'INVALID_OPTION')
  }
  if (graceMs <= most || rule === 'continue') return graceMs
  throw badRequest(
    `Expected \`options.onDisconnect.graceMs\` to be at most ${most}, the server's own`,
    'INVALID_OPTION',
  )
}

const JSON_TYPE = /^application\/(?:[!#$&^_.+\w-]+\+)?json\s*(?:;|$)/i

/** A client that leaves in the middle of its body has not sent one. */
async function readBytes(request: Request): Promise<ArrayBuffer> {
  try {
    return await request.arrayBuffer()
  } catch {
    throw badRequest('The body could not be read')
  }
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}

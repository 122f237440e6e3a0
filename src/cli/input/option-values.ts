import { InvalidArgumentError } from 'commander'
import { isPriority, PRIORITY_RANGE } from '../../engine/options.ts'
import { isNames } from '../../integrations/llm/request-fields.ts'
import { MOMENT, parseMoment } from '../../host/listing/list-filter.ts'
import { MAX_KEEP_ALIVE_MS } from '../../http/node/serve-bounds.ts'
import { UsageError } from '../process/console.ts'
import { parseDocument } from './read-workflow.ts'

/** @throws InvalidArgumentError unless `text` is an integer ≥ 1 */
export function parsePositiveInteger(text: string): number {
  return parseInteger(text, 1)
}

/** @throws InvalidArgumentError unless `text` is an integer ≥ 0 */
export function parseCount(text: string): number {
  return parseInteger(text, 0)
}

function parseInteger(text: string, least: number): number {
  const value = Number(text)
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value
  throw new InvalidArgumentError(`Expected an integer of at least ${least}.`)
}

/** Adds a pattern of names of tools. @throws InvalidArgumentError for an empty one */
export function collectPattern(text: string, earlier: readonly string[] = []): readonly string[] {
  if (text !== '') return [...earlier, text]
  throw new InvalidArgumentError("Expected a pattern such as 'llm:*'.")
}

/** @throws InvalidArgumentError unless `text` is a priority */
export function parsePriority(text: string): number {
  const value = Number(text)
  if (/^-?[0-9]{1,3}$/.test(text) && isPriority(value)) return value
  throw new InvalidArgumentError(`Expected ${PRIORITY_RANGE}.`)
}

/** @throws InvalidArgumentError unless `text` is a valid keep-alive time, ms */
export function parseKeepAlive(text: string): number {
  const value = Number(text)
  if (/^[0-9]{1,8}$/.test(text) && value >= 1 && value <= MAX_KEEP_ALIVE_MS) return value
  throw new InvalidArgumentError(`Expected an integer from 1 to ${MAX_KEEP_ALIVE_MS}, in milliseconds.`)
}

/** @throws InvalidArgumentError unless `text` is a decimal number above 0 */
export function parseAmount(text: string): number {
  const value = Number(text)
  if (/^[0-9]+(?:\.[0-9]+)?$/.test(text) && Number.isFinite(value) && value > 0) return value
  throw new InvalidArgumentError('Expected a number above 0, such as 0.5.')
}

/** @returns the time in the format that lists compare @throws InvalidArgumentError unless `text` is a time */
export function parseSince(text: string): string {
  const moment = parseMoment(text)
  if (moment === undefined) throw new InvalidArgumentError(`Expected ${MOMENT}.`)
  return moment
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** An age in ms. @throws InvalidArgumentError unless `text` is an integer ≥ 1 with its unit */
export function parseAge(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,9})([smhd])$/.exec(text) ?? []
  const ms = Number(digits) * (UNITS_MS[unit] ?? 0)
  if (ms > 0) return ms
  throw new InvalidArgumentError('Expected an integer of at least 1 with its unit: s, m, h or d, such as 12h or 30d.')
}

/** A size in bytes. @throws InvalidArgumentError unless `text` is an integer, perhaps with KiB, MiB or GiB */
export function parseBytes(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,12})((?:[KMG]iB)?)$/.exec(text) ?? []
  if (digits === '') throw new InvalidArgumentError('Expected a number of bytes, or of KiB, MiB or GiB, such as 64MiB.')
  return Number(digits) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit)
}

/** @throws InvalidArgumentError unless `text` is JSON without duplicate keys */
export function parseJsonOption(text: string): unknown {
  try {
    return parseDocument(text, 'It')
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(`Expected JSON. ${error.message}.`)
    throw error
  }
}

/** @throws InvalidArgumentError unless `text` is a JSON object */
export function parseObjectOption(text: string): Readonly<Record<string, unknown>> {
  const value = parseJsonOption(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw new InvalidArgumentError('Expected a JSON object, such as {"top_p":0.9}.')
}

/** Collects names of fields. @throws InvalidArgumentError for a field that a model request requires */
export function parseField(text: string, before: readonly string[] = []): string[] {
  if (text !== '' && isNames([text])) return [...before, text]
  throw new InvalidArgumentError('Expected the name of a field other than messages and stream, such as stream_options.')
}

/** @throws InvalidArgumentError unless `text` is an integer from 0 to 65535 */
export function parsePort(text: string): number {
  const value = Number(text)
  if (/^[0-9]{1,5}$/.test(text) && value <= 65_535) return value
  throw new InvalidArgumentError('Expected an integer from 0 to 65535; 0 takes any free port.')
}

/** Collects an option that may be repeated. @throws InvalidArgumentError unless `text` is an origin in the form of browsers */
export function parseOrigins(text: string, before: readonly string[] = []): string[] {
  const origin = URL.canParse(text) ? new URL(text).origin : 'null'
  if (origin !== 'null' && [origin, `${origin}/`].includes(text.toLowerCase())) return [...before, origin]
  throw new InvalidArgumentError('Expected an origin: scheme, host and port, such as https://app.example.com.')
}

/** Whether `text` is a valid host of a `Host` header, without port. */
export function isHostName(text: string): boolean {
  return /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(text)
}

/** Collects an option that may be repeated. @throws InvalidArgumentError unless `text` is the name of a host, without port */
export function parseHosts(text: string, before: readonly string[] = []): string[] {
  if (isHostName(text)) return [...before, text]
  throw new InvalidArgumentError('Expected the name of a host, without port, such as app.example.com.')
}

/** @throws InvalidArgumentError unless `text` is a valid base URL of a server */
export function parseServerUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isPlain = url !== undefined && !(url.username || url.password || url.search || url.hash)
  if (isPlain && /^https?:$/.test(url.protocol)) return text
  throw new InvalidArgumentError('Expected an http or https URL without credentials, query and fragment.')
}

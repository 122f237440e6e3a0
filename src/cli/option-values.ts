import { InvalidArgumentError } from 'commander'
import { UsageError } from './console.ts'
import { parseJson } from './read-workflow.ts'

/** @throws InvalidArgumentError unless `text` is an integer ≥ 1 */
export function parsePositiveInteger(text: string): number {
  const value = Number(text)
  if (/^[0-9]+$/.test(text) && Number.isSafeInteger(value) && value >= 1) return value
  throw new InvalidArgumentError('Expected an integer of at least 1.')
}

/** @throws InvalidArgumentError unless `text` is JSON */
export function parseJsonOption(text: string): unknown {
  try {
    return parseJson(text, 'It')
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(`Expected JSON. ${error.message}.`)
    throw error
  }
}

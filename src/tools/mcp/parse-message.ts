import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { toDoubles } from '../../json/replace-numbers.ts'

/** A message of a server. Numbers of a result keep their digits; those of the protocol itself are JavaScript numbers. */
export function parseMessage(text: string): unknown {
  const message = parseJson(text)
  if (!isJsonObject(message) || !Object.hasOwn(message, 'result')) return toDoubles(message)
  const { result, ...envelope } = message
  return { ...(toDoubles(envelope) as object), result }
}

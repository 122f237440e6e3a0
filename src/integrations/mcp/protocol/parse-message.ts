import { isJsonObject } from '../../../json/describe-json.ts'
import { parseJson } from '../../../json/parse-json.ts'
import { toDoubles } from '../../../json/replace-numbers.ts'

/** The notification with log data. */
export const LOG_METHOD = 'notifications/message'

/**
 * Parses a message. Numbers of results and of log data keep their digits. Numbers of the protocol, such as progress, are
 * JavaScript numbers.
 */
export function parseMessage(text: string): unknown {
  const message = parseJson(text)
  const keeps = isJsonObject(message) && (Object.hasOwn(message, 'result') || message['method'] === LOG_METHOD)
  return keeps ? message : toDoubles(message)
}

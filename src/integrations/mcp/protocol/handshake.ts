import { describeValue } from '../../../errors.ts'
import { failAnswer, type ReadMessage } from './read-message.ts'

/**
 * The answer to `initialize`, reduced to its protocol version and whether there are tools.
 *
 * The SDK checks the whole answer. It would refuse a server for a null, a missing `serverInfo.version` or a list as
 * `capabilities.tools`. A server without `capabilities` is assumed to have tools.
 */
export function readHandshake(read: ReadMessage): ReadMessage {
  const { message } = read
  if (message === undefined || !('result' in message) || typeof message.id !== 'number') return read
  const { protocolVersion, capabilities } = message.result
  if (typeof protocolVersion !== 'string') {
    return failAnswer(message.id, `its \`protocolVersion\` is ${describeValue(protocolVersion)}, not a string`)
  }
  const result = {
    protocolVersion,
    capabilities: hasTools(capabilities) ? { tools: {} } : {},
    serverInfo: { name: '', version: '' },
  }
  return { message: { jsonrpc: '2.0', id: message.id, result } }
}

function hasTools(capabilities: unknown): boolean {
  if (typeof capabilities !== 'object' || capabilities === null || Array.isArray(capabilities)) return true
  const tools = 'tools' in capabilities ? capabilities.tools : undefined
  return tools !== undefined && tools !== null && tools !== false
}

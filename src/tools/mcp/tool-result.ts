import { McpFailure } from './mcp-failure.ts'
import type { Redact } from './secrets.ts'
import { cutText } from '../../text.ts'

/** How much of an error's text is told, characters. */
const MAX_ERROR = 8192

/**
 * The output of a call: `structuredContent` where there is one, else the text of a single block of text, else the blocks as
 * they came, images and resources among them.
 * @throws McpFailure with the text of a result that says `isError`
 */
export function readOutput(result: Readonly<Record<string, unknown>>, redact: Redact): unknown {
  const { content, structuredContent, isError } = result
  const blocks: readonly unknown[] = Array.isArray(content) ? content : []
  if (isError === true) throw new McpFailure('TOOL_ERROR', cutText(redact(readErrorText(blocks)), MAX_ERROR))
  if (typeof structuredContent === 'object' && structuredContent !== null) return structuredContent
  const [first] = blocks
  return (blocks.length === 1 ? readText(first) : undefined) ?? blocks
}

function readErrorText(blocks: readonly unknown[]): string {
  const texts = blocks.map(readText).filter(text => text !== undefined && text !== '')
  return texts.length > 0 ? texts.join('\n') : 'The tool failed and did not say why'
}

function readText(block: unknown): string | undefined {
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : undefined
}

import { describeValue } from '../../../errors.ts'
import { quoteName } from '../../../tools/json-pointer.ts'
import { McpFailure } from '../protocol/mcp-failure.ts'
import type { Redact } from '../../redact.ts'
import { cutText } from '../../../text.ts'

/** Maximum length of an error's text, characters. */
const MAX_ERROR = 8192

/** Known members of a result. */
const BESIDE_OUTPUT = new Set(['content', 'structuredContent', 'isError', '_meta'])

/**
 * The output of a call: `structuredContent`, else the text of a single text block, else the unchanged blocks, images and
 * resources included.
 * @throws McpFailure with the text of a result with `isError`, and for a result with unknown members only
 */
export function readOutput(result: Readonly<Record<string, unknown>>, redact: Redact): unknown {
  const { content, structuredContent, isError } = result
  const blocks: readonly unknown[] = Array.isArray(content) ? content : []
  const hasStructure = structuredContent !== undefined && structuredContent !== null
  if (isError === true) {
    const text = readErrorText(blocks) ?? (hasStructure ? JSON.stringify(structuredContent) : undefined)
    throw new McpFailure('TOOL_ERROR', cutText(redact(text ?? 'The tool failed and did not say why'), MAX_ERROR))
  }
  if (hasStructure) return structuredContent
  if (content === undefined || content === null) return readElsewhere(result)
  if (!Array.isArray(content)) {
    throw new McpFailure(
      'TOOL_ERROR',
      `Expected the \`content\` of the result to be an array, got ${describeValue(content)}`,
    )
  }
  const [first] = blocks
  return (blocks.length === 1 ? readText(first) : undefined) ?? blocks
}

/** The output in `toolResult`, its place in the first version of the protocol, or no output. */
function readElsewhere(result: Readonly<Record<string, unknown>>): unknown {
  if ('toolResult' in result) return result['toolResult']
  const others = Object.keys(result).filter(name => !BESIDE_OUTPUT.has(name))
  if (others.length === 0) return []
  const found = others.slice(0, 5).map(name => quoteName(name))
  const message = `Expected the result to have \`content\` or \`structuredContent\`; it has ${found.join(', ')}`
  throw new McpFailure('TOOL_ERROR', message, false)
}

function readErrorText(blocks: readonly unknown[]): string | undefined {
  const texts = blocks.map(readText).filter(text => text !== undefined && text !== '')
  return texts.length > 0 ? texts.join('\n') : undefined
}

function readText(block: unknown): string | undefined {
  const { type, text } = (block ?? {}) as { type?: unknown; text?: unknown }
  return type === 'text' && typeof text === 'string' ? text : undefined
}

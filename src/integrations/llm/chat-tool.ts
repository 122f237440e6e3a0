import { expectMethods, expectObject } from '../../errors.ts'
import { addTokenUsage, sanitizeTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import type { RetryPolicy } from '../../workflow/document.ts'
import { createLimit, type Limit } from '../../tools/limit.ts'
import type { JsonSchema, Tool } from '../../tools/tool.ts'
import type { ChatMessage, LLMProvider, StreamFinish } from './provider.ts'
import { computeGrowth, type ProviderUsage, toTokenUsage } from './provider-usage.ts'
import { makeSendable } from '../../tools/sendable-arguments.ts'
import { failure, ProviderError } from './stream-error.ts'

/** Options of a chat tool. */
export interface ChatToolOptions {
  /** @defaultValue `llm:chat` */
  readonly name?: string
  readonly description?: string
  /** Default model of a task. @defaultValue the provider's own */
  readonly model?: string
  /** Default system message of a task, sent first. */
  readonly system?: string
  /** @defaultValue 8 concurrent calls for all tools of the same provider */
  readonly limit?: number | Limit
  /** Timeout per attempt, ms; 0 for none: the two timeouts below bound silence. @defaultValue 0 */
  readonly timeoutMs?: number
  /** @defaultValue 3 attempts */
  readonly retry?: RetryPolicy
  /** See `ProviderParams`; a task's own fields override them one by one. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** See `ProviderParams`; a task's own are added. */
  readonly omit?: readonly string[]
  /** See `ProviderParams`. @defaultValue the provider's own */
  readonly idleTimeoutMs?: number
  /** See `ProviderParams`. @defaultValue the provider's own */
  readonly firstTokenTimeoutMs?: number
}

/** Arguments of a chat task. */
export interface ChatArguments {
  /** The user's message; follows `messages` if both are given. */
  readonly prompt?: string
  readonly messages?: readonly ChatMessage[]
  readonly system?: string
  readonly model?: string
  readonly temperature?: number
  readonly maxTokens?: number
  readonly stop?: string | readonly string[]
  /** Additional fields of the request, as the endpoint names them, such as `{ "top_p": 0.9 }`. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Fields omitted from the request, such as `["stream_options"]`. */
  readonly omit?: readonly string[]
}

/** Output of a chat task: `$OUTPUT[id].text` is the answer. */
export interface ChatOutput {
  readonly text: string
  /** The model that answered, else the requested one; absent if the provider reports neither. */
  readonly model?: string
  /** Reason for the end: `stop`, or `length` if `maxTokens` truncated the answer. */
  readonly finishReason?: string
  readonly usage?: ProviderUsage
}

const CALLS_AT_ONCE = 8

/** One limit per provider, shared by all of its tools. */
const limits = new WeakMap<LLMProvider, Limit>()

const inputSchema: JsonSchema = {
  type: 'object',
  properties: {
    prompt: { type: 'string', description: 'The message of the user.' },
    messages: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        properties: {
          role: { enum: ['system', 'developer', 'user', 'assistant', 'tool'] },
          content: { type: ['string', 'array', 'null'] },
        },
        required: ['role', 'content'],
      },
      description: 'A conversation; the prompt is appended to it.',
    },
    system: { type: 'string', description: 'Instructions that come before all messages.' },
    model: { type: 'string', minLength: 1 },
    temperature: { type: 'number', minimum: 0 },
    maxTokens: { type: 'integer', minimum: 1 },
    stop: { type: ['string', 'array'], items: { type: 'string' } },
    extra: { type: 'object', description: 'Further fields of the request, as the endpoint names them.' },
    omit: {
      type: 'array',
      items: { type: 'string', not: { enum: ['messages', 'stream'] } },
      description: 'Fields of the request that are not sent.',
    },
  },
  // A condition, so that the error names the missing property.
  if: { required: ['messages'] },
  else: { required: ['prompt'] },
  additionalProperties: false,
}

/** Number of pieces after which they are joined. */
const MAX_PIECES = 1024

/**
 * A tool that calls a model and streams its answer as tokens.
 *
 * Usage is reported as it arrives, whatever the outcome of the attempt. A failure carries the name of its `StreamErrorCode` and
 * is retried if it is transient.
 * @throws `INVALID_OPTION`
 */
export function createChatTool(provider: LLMProvider, options: ChatToolOptions = {}): Tool<ChatArguments, ChatOutput> {
  expectMethods('provider', provider, ['generate', 'generateStream'])
  const { idleTimeoutMs, firstTokenTimeoutMs } = expectObject('options', options)
  return {
    name: options.name ?? 'llm:chat',
    description: options.description ?? 'Asks a language model and streams its answer.',
    inputSchema,
    limit: options.limit ?? limitOf(provider),
    timeoutMs: options.timeoutMs ?? 0,
    // Messages are forwarded verbatim.
    exactNumbers: true,
    retry: { maxAttempts: 3, ...options.retry },
    async execute(given, { signal, emitToken, reportUsage, log, traceparent }) {
      const args = makeSendable(given, log)
      const { temperature, maxTokens, stop } = args
      const extra = { ...options.extra, ...args.extra }
      const omit = [...(options.omit ?? []), ...(args.omit ?? [])]
      const model = args.model ?? options.model
      const pieces: string[] = []
      let usage: ProviderUsage | undefined
      let finish: StreamFinish | undefined
      let counted: TokenUsage | undefined
      // The provider reports cumulative usage, the context expects increments.
      const count = (told: ProviderUsage): void => {
        const growth = computeGrowth(toTokenUsage(told), counted)
        if (Object.keys(growth).length === 0) return
        counted = addTokenUsage(counted, sanitizeTokenUsage(growth).usage)
        reportUsage(growth)
      }
      const events = provider.generateStream(toMessages(args, options.system), {
        signal,
        ...(traceparent !== undefined && { traceparent }),
        onUsage: count,
        onNotice: message => log('warning', message),
        onFinish: told => {
          finish = told
        },
        ...(model !== undefined && { model }),
        ...(temperature !== undefined && { temperature: Number(temperature) }),
        ...(maxTokens !== undefined && { maxTokens: Number(maxTokens) }),
        ...(stop !== undefined && { stop }),
        ...(Object.keys(extra).length > 0 && { extra }),
        ...(omit.length > 0 && { omit }),
        ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
        ...(firstTokenTimeoutMs !== undefined && { firstTokenTimeoutMs }),
      })
      for await (const event of events) {
        switch (event.type) {
          case 'content':
            pieces.push(event.data)
            // String concatenation would keep every piece alive as part of a rope.
            if (pieces.length === MAX_PIECES) pieces.splice(0, MAX_PIECES, pieces.join(''))
            emitToken(event.data)
            break
          case 'usage':
            usage = event.data
            count(usage)
            break
          case 'error':
            throw new ProviderError(event.data)
          case 'done':
            return describeAnswer(pieces.join('').toWellFormed(), finish, usage, model)
        }
      }
      throw failure('UNEXPECTED_STREAM_END', 'The provider ended its stream without `done` or `error`')
    },
  }
}

/** A provider may omit the finish reason. */
function describeAnswer(
  text: string,
  finish: StreamFinish | undefined,
  usage: ProviderUsage | undefined,
  asked: string | undefined,
): ChatOutput {
  const model = finish?.model ?? usage?.model ?? asked
  return {
    text,
    ...(model !== undefined && { model }),
    ...(finish?.finishReason !== undefined && { finishReason: finish.finishReason }),
    ...(usage !== undefined && { usage }),
  }
}

/** The limit that all tools of a provider share. */
export function limitOf(provider: LLMProvider): Limit {
  const limit = limits.get(provider) ?? createLimit(CALLS_AT_ONCE)
  limits.set(provider, limit)
  return limit
}

function toMessages(args: ChatArguments, defaultSystem: string | undefined): ChatMessage[] {
  const system = args.system ?? defaultSystem
  return [
    ...(system === undefined ? [] : [{ role: 'system', content: system } as const]),
    ...(args.messages ?? []),
    ...(args.prompt === undefined ? [] : [{ role: 'user', content: args.prompt } as const]),
  ]
}

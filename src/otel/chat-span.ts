import type { Attributes } from '@opentelemetry/api'
import { isJsonObject } from '../json/describe-json.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import { ATTRIBUTE, OPERATION } from './conventions.ts'

/** Outputs up to this size are read for the name of the model, characters. */
const MAX_OUTPUT = 1024 * 1024

/** The name of the span of a model call. */
export function describeChat(model: string | undefined): string {
  return model === undefined ? OPERATION.chat : `${OPERATION.chat} ${model}`
}

/** The `model` in the output of a task, which chat tools give; `undefined` for any other output. */
export function readModel(entry: LogEntry): string | undefined {
  const { output } = entry
  if (output === undefined || output.text.length > MAX_OUTPUT || !output.text.includes('"model"')) return undefined
  const value = output.read()
  const model = isJsonObject(value) ? value['model'] : undefined
  return typeof model === 'string' ? model : undefined
}

/** The usage of one attempt. */
export function describeUsage(usage: TokenUsage, model: string | undefined): Attributes {
  const { totalTokensIn, totalTokensOut, totalCacheReads, totalCacheWrites, totalCost } = usage
  return {
    ...(model !== undefined && { [ATTRIBUTE.model]: model }),
    [ATTRIBUTE.inputTokens]: totalTokensIn,
    [ATTRIBUTE.outputTokens]: totalTokensOut,
    ...(totalCacheReads !== undefined && { [ATTRIBUTE.cacheReadTokens]: totalCacheReads }),
    ...(totalCacheWrites !== undefined && { [ATTRIBUTE.cacheWriteTokens]: totalCacheWrites }),
    ...(totalCost !== undefined && { [ATTRIBUTE.cost]: totalCost }),
  }
}

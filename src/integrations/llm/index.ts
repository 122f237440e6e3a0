export { type ChatArguments, type ChatOutput, type ChatToolOptions, createChatTool } from './chat-tool.ts'
export type { FetchedResponse, FetchFunction } from './exchange.ts'
export { createPlanTool, type PlanArguments, type PlanOutput, type PlanToolOptions } from './plan/plan-tool.ts'
export { OpenRouterProvider, type OpenRouterOptions } from './openrouter-provider.ts'
export type {
  ChatMessage,
  LLMProvider,
  ProviderInput,
  ProviderParams,
  ProviderResponse,
  ProviderStreamEvent,
  StreamFinish,
  StreamMetrics,
} from './provider.ts'
export { type ProviderUsage, toTokenUsage } from './provider-usage.ts'
export {
  findStreamErrorName,
  ProviderError,
  type StreamError,
  StreamErrorCode,
  type StreamErrorName,
} from './stream-error.ts'

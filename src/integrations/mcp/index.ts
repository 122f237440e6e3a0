// The public entry of `dagstream/tools/mcp`; nothing inside imports it.
export { createMcpServers, type McpOptions, type McpServers, mcpTools, type ToolUser } from './mcp-servers.ts'
export type {
  McpClients,
  McpConfig,
  McpHttpConfig,
  McpProcessConfig,
  McpServerOptions,
} from './config/server-config.ts'
export type { McpFailureCode } from './protocol/mcp-failure.ts'

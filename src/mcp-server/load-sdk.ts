import type * as ServerModule from '@modelcontextprotocol/sdk/server/index.js'
import type * as HttpModule from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type * as TypesModule from '@modelcontextprotocol/sdk/types.js'
import { loadOptional } from '../optional-package.ts'

/** The parts of the SDK that every transport needs. */
export type McpSdk = Pick<typeof ServerModule, 'Server'> &
  Pick<typeof TypesModule, 'CallToolRequestSchema' | 'ListToolsRequestSchema' | 'ElicitResultSchema'>

const NAME = '@modelcontextprotocol/sdk'
const INSTALL = `${NAME}@1`

/** Loads the SDK. @throws `MISSING_PACKAGE` */
export function loadMcpSdk(): Promise<McpSdk> {
  return load(async () => {
    const [{ Server }, { CallToolRequestSchema, ListToolsRequestSchema, ElicitResultSchema }] = await Promise.all([
      import('@modelcontextprotocol/sdk/server/index.js'),
      import('@modelcontextprotocol/sdk/types.js'),
    ])
    return { Server, CallToolRequestSchema, ListToolsRequestSchema, ElicitResultSchema }
  })
}

/** Loads the transport of Streamable HTTP. @throws `MISSING_PACKAGE` */
export function loadHttpTransport(): Promise<typeof HttpModule> {
  return load(() => import('@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'))
}

/** Loads parts of the SDK. @throws `MISSING_PACKAGE` */
export function load<Module>(importAll: () => Promise<Module>): Promise<Module> {
  return loadOptional('MCP servers', NAME, INSTALL, importAll)
}

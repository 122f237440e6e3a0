import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Schema, Validator } from '@cfworker/json-schema'
import { expect, test } from 'vitest'
import { createBuiltinTools } from '../../src/cli/input/builtin-tools.ts'
import { findMode } from '../../src/cli/input/chat-modes.ts'
import { configSchema } from '../../src/cli/input/config-schema.ts'
import { parseHttpOptions, parseLlmOptions, readConfig } from '../../src/cli/input/read-config.ts'
import { parseServers } from '../../src/integrations/mcp/config/parse-servers.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import type { McpConfig } from '../../src/integrations/mcp/config/server-config.ts'

const validator = new Validator(JSON.parse(JSON.stringify(configSchema)) as Schema, '2020-12')

/** What reads the whole of a configuration, as the commands together do. */
async function check(config: object): Promise<boolean> {
  const cwd = mkdtempSync(join(tmpdir(), 'dagstream-config-'))
  writeFileSync(join(cwd, 'dagstream.config.json'), JSON.stringify(config))
  try {
    const read = await readConfig({ cwd, stdin: { async *[Symbol.asyncIterator]() {} } })
    // Limits are checked where tools are registered.
    ToolRegistry.from(createBuiltinTools(parseHttpOptions(read)))
    parseLlmOptions(read)
    if (read.modes !== undefined) findMode('code', read)
    if (read.mcpServers !== undefined) parseServers(read as McpConfig, {})
    return true
  } catch {
    return false
  }
}

const full = {
  $schema: './node_modules/dagstream/dist/config.schema.json',
  http: {
    allowedHosts: ['api.example.com'],
    allowPrivateAddresses: ['localhost'],
    hostHeaders: { 'api.example.com': { authorization: 'Bearer x' } },
    limit: 4,
    limitPerHost: 2,
    timeoutMs: 1000,
    maxResponseBytes: 1024,
    maxRedirects: 0,
    proxy: 'environment',
    retry: { maxAttempts: 2 },
  },
  llm: { extra: { top_p: 0.9 }, omit: ['stream_options'] },
  modes: { haiku: { system: 'Answer as a haiku.', temperature: 1, model: 'a/b' } },
  workflows: 'workflows',
  mcpServers: {
    files: {
      type: 'stdio',
      command: 'npx',
      args: ['-y', 'server'],
      env: { KEY: '1' },
      cwd: '.',
      disabled: false,
      concurrency: 2,
      readOnlyTools: ['read'],
      checkArguments: false,
      timeoutMs: 1000,
      resetTimeoutOnProgress: true,
    },
    remote: { type: 'http', url: 'https://example.com/mcp', headers: { authorization: 'Bearer x' } },
  },
}

test('every field of the schema is one that the checks accept', async () => {
  const fieldsOf = (schema: unknown): string[] => Object.keys((schema as { properties: object }).properties)
  const properties = configSchema.properties ?? {}
  expect(Object.keys(full).sort()).toEqual(fieldsOf(configSchema).sort())
  expect(Object.keys(full.http).sort()).toEqual(fieldsOf(properties['http']).sort())
  expect(Object.keys(full.llm).sort()).toEqual(fieldsOf(properties['llm']).sort())
  const [process, http] = (properties['mcpServers'] as { additionalProperties: { oneOf: object[] } })
    .additionalProperties.oneOf
  expect(Object.keys(full.mcpServers.files).sort()).toEqual(fieldsOf(process).sort())
  expect(fieldsOf(http).sort()).toEqual(
    [...fieldsOf(process).filter(field => !['command', 'args', 'env', 'cwd'].includes(field)), 'url', 'headers'].sort(),
  )
  expect([validator.validate(full).valid, await check(full)]).toEqual([true, true])
})

test.each([
  {},
  { $schema: 'x' },
  { $schema: 1 },
  { mcpServer: {} },
  { http: { timeoutMs: 0 } },
  { http: { maxRedirects: 21 } },
  { http: { proxy: 'always' } },
  { http: { prefix: 'web' } },
  { http: { limit: 0 } },
  { llm: { omit: 'x' } },
  { llm: { model: 'x' } },
  { modes: { a: {} } },
  { modes: { a: { system: 'x', temperature: -1 } } },
  { modes: { a: { system: 'x', top: 1 } } },
  { mcpServers: { a: { command: 'x', url: 'http://a' } } },
  { mcpServers: { a: {} } },
  { mcpServers: { 'a:b': { command: 'x' } } },
  { mcpServers: { a: { url: 'http://a', timeoutMs: -1 } } },
  { mcpServers: { a: { url: 'http://a', type: 'stdio' } } },
])('the schema and the checks agree on %j', async config => {
  expect(validator.validate(config).valid).toBe(await check(config))
})

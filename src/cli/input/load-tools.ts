import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ToolRegistry, type ToolSource } from '../../tools/registry.ts'
import { UsageError } from '../process/console.ts'

/**
 * Loads the tools of `module`, a path or a package; none without one.
 *
 * Its default export is an array of tools, or an object of name → function `(args, context)` or tool.
 * @throws UsageError when the module cannot be loaded or exports something else, and `INVALID_TOOL`
 */
export async function loadTools(module: string | undefined, cwd: string): Promise<ToolRegistry> {
  return new ToolRegistry(module === undefined ? [] : checkExport(await importDefault(module, cwd), module))
}

async function importDefault(module: string, cwd: string): Promise<unknown> {
  try {
    const exports = (await import(locate(module, cwd))) as { default?: unknown }
    return exports.default
  } catch (error) {
    throw new UsageError(
      `Cannot load tools from \`${module}\`: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

/** Resolves the specifier: a file relative to the caller, else the caller's package, else one of dagstream's. */
function locate(module: string, cwd: string): string {
  const path = resolve(cwd, module)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new Error('it is a directory; name the file')
  if (/^[./]/.test(module) || existsSync(path)) return pathToFileURL(path).href
  try {
    return pathToFileURL(createRequire(join(cwd, 'package.json')).resolve(module)).href
  } catch {
    return module
  }
}

function checkExport(exported: unknown, module: string): ToolSource {
  if (typeof exported === 'object' && exported !== null) return exported as ToolSource
  throw new UsageError(
    `Expected the default export of \`${module}\` to be an array of tools or an object of name → function, got ${
      exported === undefined ? 'none' : typeof exported
    }`,
  )
}

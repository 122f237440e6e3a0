import { describeValue } from '../../errors.ts'
import { UsageError } from '../process/console.ts'
import { MODE_FIELDS } from './config-schema.ts'
import { type CliConfig, CONFIG_FILE, describePlace } from './read-config.ts'
import { toPlainLine } from '../render/text.ts'

/** A preset of `chat`: values for absent flags. */
export interface ChatMode {
  /** The system message before the prompt. */
  readonly system: string
  /** From 0. @defaultValue the model's own */
  readonly temperature?: number
  /** @defaultValue the provider's own */
  readonly model?: string
}

/** Built-in presets; one of the same name in the file replaces a preset entirely. */
const SHIPPED_MODES: Readonly<Record<string, ChatMode>> = {
  code: {
    system:
      'You are an experienced software engineer. Answer with code that runs as it stands, in fenced blocks that name ' +
      'their language. Explain only what the code cannot say, and name what you had to assume.',
    temperature: 0.2,
  },
  ask: {
    system: 'Answer the question first, in as few words as it needs, then the reason. Say so where you do not know.',
    temperature: 0.7,
  },
  debug: {
    system:
      'You look for the cause of a fault. List the likely causes, the likeliest first, each with the evidence for it and ' +
      'one check that would confirm or exclude it. Suggest a change only for a cause that the evidence supports.',
    temperature: 0,
  },
}

/**
 * The mode of that name: from `modes` of the configuration, else a built-in one.
 * @throws UsageError for an unknown name, listing the known ones, and for malformed modes, naming the field
 */
export function findMode(name: string, config: CliConfig): ChatMode {
  const modes = new Map([...Object.entries(SHIPPED_MODES), ...parseModes(config)])
  const mode = modes.get(name)
  if (mode !== undefined) return mode
  const names = [...modes.keys()].map(toPlainLine).join(', ')
  throw new UsageError(`Expected --mode to be one of ${names}; got ${describeValue(name)}`)
}

function parseModes(config: CliConfig): [string, ChatMode][] {
  const { modes } = config
  if (modes === undefined) return []
  const all = expectObject(modes, ['modes'], config)
  return Object.entries(all).map(([name, mode]) => [name, parseMode(mode, ['modes', name], config)])
}

function parseMode(value: unknown, path: readonly string[], config: CliConfig): ChatMode {
  const mode = expectObject(value, path, config)
  const { system, temperature, model } = mode
  const unknown = Object.keys(mode).find(field => !MODE_FIELDS.some(known => known === field))
  if (unknown !== undefined) {
    const known = MODE_FIELDS.map(field => `\`${field}\``).join(', ')
    throw refuse(config, [...path, unknown], `absent: a mode has ${known}`)
  }
  if (typeof system !== 'string') throw refuse(config, [...path, 'system'], 'a string', system)
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0)) {
    throw refuse(config, [...path, 'temperature'], 'a number of at least 0', temperature)
  }
  if (model !== undefined && (typeof model !== 'string' || model === '')) {
    throw refuse(config, [...path, 'model'], 'the name of a model', model)
  }
  return { system, ...(temperature !== undefined && { temperature }), ...(model !== undefined && { model }) }
}

function expectObject(value: unknown, path: readonly string[], config: CliConfig): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw refuse(config, path, 'an object', value)
}

/** Without `found`, the field is unknown: the message has only the expectation. */
function refuse(config: CliConfig, path: readonly string[], expected: string, ...found: unknown[]): UsageError {
  const isUnknown = found.length === 0
  const got = isUnknown ? '' : `, got ${describeValue(found[0])}`
  const place = describePlace(config, path, isUnknown)
  return new UsageError(
    `Expected ${toPlainLine(`/${path.join('/')}`)} of ${CONFIG_FILE} to be ${expected}${got}${place}`,
  )
}

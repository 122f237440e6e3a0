import { asRecord } from './provider-usage.ts'

/** The body of a response that rejects a request: parsed if it is a JSON object, and as text. */
export interface Refusal {
  readonly said: Readonly<Record<string, unknown>> | undefined
  readonly text: string
}

/** Maximum depth of the search: gateways wrap their upstream's error. */
const MAX_DEPTH = 6

/** Maximum number of searched texts of an error, and of characters of each. */
const MAX_TEXTS = 50
const MAX_TEXT_CHARS = 4096

/** Words that reject a field itself, as opposed to a value out of range. */
const REFUSES =
  /un(?:supported|recognized|recognised|known|expected|permitted)|(?:not|n't|no longer|cannot be|never) (?:be )?(?:supported?|permitted|allowed|accepted|recognized|available|valid|used|included?)|(?:does|do|did)(?: not|n't) (?:support|accept|allow|have)|not compatible|incompatible|extra_forbidden|extra (?:inputs|fields|keys)|additional propert|cannot find field|deprecated|invalid (?:argument|parameter|field|key|property)/i

/** Field names that are ordinary words count only in quotes or after a word that announces a name. */
const ANNOUNCED = '(?:arguments?|parameters?|params?|fields?|propert(?:y|ies)|keys?|names?|supplied|options?)[:=]? +'

/** Parts of a field by which some endpoints name it. */
const PARTS: Readonly<Record<string, string>> = { include_usage: 'stream_options' }

/**
 * The request fields that a rejection names: by `param` (OpenAI, Azure), by the `loc` of a list of problems (FastAPI, Mistral,
 * vLLM), or in words.
 * @param fields top-level names of the request's body
 */
export function findRefusedFields({ said, text }: Refusal, fields: readonly string[]): string[] {
  const found = new Set<string>()
  const add = (name: unknown): void => {
    const top = typeof name === 'string' ? (name.split(/[.[]/)[0] ?? '') : ''
    const field = PARTS[top] ?? top
    if (fields.includes(field)) found.add(field)
  }
  const texts: string[] = []
  const search = (value: unknown, depth: number): void => {
    if (depth > MAX_DEPTH || texts.length >= MAX_TEXTS) return
    if (typeof value === 'string') return searchText(value, depth)
    if (Array.isArray(value)) return value.slice(0, MAX_TEXTS).forEach(each => search(each, depth + 1))
    const object = asRecord(value)
    if (object === undefined) return
    const { loc, param, type, code } = object
    const words = [type, code, object['msg'], object['message']].filter(each => typeof each === 'string').join(' ')
    if (REFUSES.test(words.slice(0, MAX_TEXT_CHARS))) {
      add(param)
      if (Array.isArray(loc)) add(loc[loc[0] === 'body' ? 1 : 0])
    }
    // Not `input`, which echoes the request.
    for (const name of ['error', 'detail', 'message', 'msg', 'errors', 'cause', 'metadata', 'raw', 'reason']) {
      search(object[name], depth + 1)
    }
  }
  const searchText = (value: string, depth: number): void => {
    const json = value.trim()
    // An error within the text of another.
    if (/^[[{]/.test(json)) {
      try {
        return search(JSON.parse(json), depth + 1)
      } catch {
        // Not JSON after all.
      }
    }
    texts.push(value.slice(0, MAX_TEXT_CHARS))
  }
  search(said ?? text, 0)
  if (found.size > 0) return [...found]
  for (const each of texts.filter(words => REFUSES.test(words))) {
    for (const name of [...fields, ...Object.keys(PARTS)]) if (isNamed(name, each)) add(name)
  }
  return [...found]
}

function isNamed(name: string, text: string): boolean {
  const word = name.replaceAll(/[^\w]/g, '\\$&')
  const isDistinct = name.includes('_') || name === 'temperature'
  const pattern = isDistinct ? `(?<![\\w-])${word}(?![\\w-])` : `(['"\`])${word}\\1|${ANNOUNCED}${word}(?![\\w-])`
  return new RegExp(pattern, isDistinct ? '' : 'i').test(text)
}

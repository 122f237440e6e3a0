import { DagstreamError } from '../../errors.ts'
import { cutText } from '../../text.ts'

/** Where variables are looked up. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Puts variables into the texts of a value, in arrays and objects too, as other hosts do: `${NAME}`, `${env:NAME}`,
 * `${NAME:-default}`, which also stands for an empty one. `$${` is a `${` that stays.
 * @param place which option it is
 * @param used is told each variable that was put in
 * @throws `INVALID_OPTION` for one that is not set, and for what is none of these forms
 */
export function expandVariables(
  value: unknown,
  place: string,
  variables: Variables,
  used: (name: string, value: string) => void,
): unknown {
  const expand = (each: unknown): unknown => {
    if (typeof each === 'string') return each.replaceAll(/(\$?)\$\{([^}]*)\}/g, put)
    if (Array.isArray(each)) return each.map(expand)
    if (typeof each !== 'object' || each === null) return each
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, expand(inner)]))
  }
  const put = (found: string, escape: string, inner: string): string => {
    if (escape !== '') return found.slice(1)
    const [, name, fallback] = /^(?:env:)?([A-Za-z_]\w*)(?::-(.*))?$/s.exec(inner) ?? []
    if (name === undefined) {
      throw unusable(
        place,
        `\`\${NAME}\`, \`\${env:NAME}\` or \`\${NAME:-default}\` (\`$\${\` stands for \`\${\`)`,
        inner,
      )
    }
    const set = variables[name]
    if (set === undefined && fallback === undefined) throw unusable(place, `the variable \`${name}\` to be set`, inner)
    const text = fallback === undefined ? (set ?? '') : set || fallback
    used(name, text)
    return text
  }
  return expand(value)
}

function unusable(option: string, expected: string, inner: string): DagstreamError {
  const message = `\`${option}\` has \`\${${cutText(inner, 40)}}\`; expected ${expected}`
  return new DagstreamError('INVALID_OPTION', message, { details: { option, expected } })
}

import { DagstreamError } from '../../../errors.ts'
import { cutText } from '../../../text.ts'

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>

/**
 * Expands variables in all strings of a value, nested ones included, as other hosts do: `${NAME}`, `${env:NAME}` and
 * `${NAME:-default}`, whose default also replaces an empty value. `$${` gives a literal `${`.
 * @param place the path of the option
 * @param used receives each expanded variable
 * @throws `INVALID_OPTION` for an unset variable, and for any other form
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

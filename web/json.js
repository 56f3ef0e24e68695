// Parses JSON without losing digits: each number becomes its text.

// A string, or a number outside of strings.
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

// Returns null if it is no JSON: it is a proxy's then, and not the API's.
export function parseExactly(text) {
  try {
    return JSON.parse(text.replace(TOKENS, (token) => (token[0] === '"' ? token : `"${token}"`)));
  } catch {
    return null;
  }
}

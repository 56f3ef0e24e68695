<?php

/*
 * Lists a workspace's usage from one day to another, and compares its sums with the summary's.
 *
 *     php list_usage.php 2026-11-01 2026-11-30 > usage.tsv
 *
 * USAGE_URL is the API's address, USAGE_TOKEN the caller's token, USAGE_WORKSPACE the workspace. If
 * the program has stopped, set USAGE_CURSOR to the cursor that it printed, and it continues there.
 * Needs PHP 8.1 or newer with the extensions bcmath and curl.
 */

declare(strict_types=1);

const ATTEMPTS = 6; // of one request
const TIMEOUT = 35; // seconds; API Gateway answers after 29 at the latest
const LONGEST_WAIT = 120; // seconds; if the service asks for more, the program stops
const RETRIED = [429, 500, 502, 503, 504];
const PLACES = 170; // more decimal places than credits can have

/** The service refused the request, or did not answer it. */
class Stopped extends Exception
{
}

function setting(string $name): string
{
    $value = trim((string) getenv($name));
    if ($value === '') {
        throw new Stopped("Set the environment variable $name.");
    }
    return $value;
}

/**
 * Returns a JSON object as an array, with numbers as their text: a float would round credits.
 *
 * @throws JsonException
 */
function parse(string $json): array
{
    // A string is skipped whole, so that digits in it stay as they are.
    $pattern = '/"(?:[^"\\\\]++|\\\\.)*+"(*SKIP)(*FAIL)|-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+/';
    $quoted = preg_replace($pattern, '"$0"', $json) ?? '';
    $body = json_decode($quoted, true, 512, JSON_THROW_ON_ERROR);
    return is_array($body) ? $body : throw new JsonException('Not an object');
}

function describeSums(int|string $runs, int|string $succeeded, string $amount): string
{
    $credits = rtrim(rtrim(bcadd($amount, '0', PLACES), '0'), '.');
    return "$runs runs, $succeeded succeeded, $credits credits";
}

function describe(int $status, string $text, ?string $requestId): string
{
    try {
        $body = parse($text);
    } catch (JsonException) {
        $body = []; // Not the API's answer, but one of something before it.
    }
    $errors = array_merge(...array_values($body['errors'] ?? []));
    $message = implode(' ', $errors) ?: ($body['message'] ?? 'no message');
    return "HTTP $status: $message (request id $requestId)";
}

/** Returns the body of the 200. Tries again if the status is RETRIED or there is no answer. */
function ask(string $path, array $query): array
{
    static $curl = null; // kept, so that all requests share a connection
    $curl ??= curl_init();
    $headers = [];
    curl_setopt_array($curl, [
        CURLOPT_URL => rtrim(setting('USAGE_URL'), '/') . "$path?" . http_build_query($query),
        CURLOPT_HTTPHEADER => [
            'Authorization: Bearer ' . setting('USAGE_TOKEN'),
            'x-workspace-id: ' . setting('USAGE_WORKSPACE'),
        ],
        CURLOPT_ENCODING => 'gzip',
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => TIMEOUT,
        CURLOPT_HEADERFUNCTION => function ($_, string $line) use (&$headers): int {
            [$name, $value] = explode(':', $line, 2) + [1 => ''];
            $headers[strtolower($name)] = trim($value);
            return strlen($line);
        },
    ]);
    for ($attempt = 0; ; $attempt++) {
        $wait = 2 ** $attempt;
        $headers = [];
        $text = curl_exec($curl);
        $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
        if ($text === false) {
            $problem = 'No answer: ' . curl_error($curl);
        } elseif ($status === 200) {
            try {
                return parse($text);
            } catch (JsonException $error) {
                $problem = 'No answer: ' . $error->getMessage();
            }
        } else {
            $problem = describe($status, $text, $headers['x-amzn-requestid'] ?? null);
            if (!in_array($status, RETRIED, true)) {
                throw new Stopped($problem);
            }
            $retryAfter = $headers['retry-after'] ?? '';
            $wait = ctype_digit($retryAfter) ? (int) $retryAfter : $wait;
        }
        if ($wait > LONGEST_WAIT || $attempt === ATTEMPTS - 1) {
            throw new Stopped($problem);
        }
        // Some more, so that clients that were refused together don't come back together.
        usleep($wait * 1_000_000 + random_int(0, 1_000_000));
    }
}

/** Yields the items of each page; the key is the cursor of the next page ('' after the last). */
function pages(array $window, string $cursor): Generator
{
    do {
        $query = $window + ['per_page' => 100] + ($cursor === '' ? [] : ['cursor' => $cursor]);
        $page = ask('/workspaces/usage', $query);
        $cursor = $page['next_cursor'] ?? '';
        yield $cursor => $page['items'];
    } while ($cursor !== '');
}

function main(array $arguments): int
{
    if (count($arguments) !== 3) {
        fwrite(STDERR, "Name the first and the last day, such as 2026-11-01 2026-11-30.\n");
        return 1;
    }
    $window = ['start_date' => $arguments[1], 'end_date' => $arguments[2]];
    $firstCursor = $cursor = (string) getenv('USAGE_CURSOR');
    $runs = $succeeded = 0;
    $charged = '0';
    try {
        foreach (pages($window, $firstCursor) as $cursor => $items) {
            foreach ($items as $item) {
                $columns = ['created_at', 'id', 'user_id', 'source', 'status', 'credits'];
                echo implode("\t", array_map(fn ($name) => $item[$name], $columns)), "\n";
                $runs += 1;
                $succeeded += $item['status'] === 'succeeded' ? 1 : 0;
                $charged = bcadd($charged, $item['credits'], PLACES);
            }
        }
        $sums = describeSums($runs, $succeeded, $charged);
        if ($firstCursor !== '') {
            fwrite(STDERR, "From the cursor on: $sums\n");
            return 0;
        }
        fwrite(STDERR, "The listing: $sums\n");
        $totals = ask('/workspaces/usage/summary', $window + ['interval' => 'none'])['totals'];
    } catch (Stopped $error) {
        fwrite(STDERR, $error->getMessage() . "\n");
        if ($cursor !== $firstCursor) {
            fwrite(STDERR, 'So far: ' . describeSums($runs, $succeeded, $charged) . "\n");
            fwrite(STDERR, "To continue: USAGE_CURSOR=$cursor\n");
        }
        return 1;
    }
    $summary = describeSums($totals['runs'], $totals['succeeded'], $totals['credits']);
    fwrite(STDERR, "The summary: $summary\n");
    fwrite(STDERR, $summary === $sums ? "They are equal.\n" : "They differ.\n");
    return $summary === $sums ? 0 : 2;
}

exit(main($argv));

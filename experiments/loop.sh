#!/bin/sh
# Three months of use in a shop: each brings words that nobody wrote before, and a better prompt.
#
#     sh experiments/loop.sh FOLDER
#
# All is done by `apo` alone and told by its JSON and its exit codes, as a scheduler would; offline,
# with the embedded model. A month's feedback improves the deployed prompt; whether that holds on
# inputs that no run has seen is measured apart. It ends with 0 if each month brought a better prompt.
set -eu
mkdir -p "$1"
cd "$1"
export MLFLOW_TRACKING_URI="sqlite:///mlflow.db" APO_HOME=.apo
shop=prompts:/apo-shop

value() { # What an expression finds in the JSON document `d` of a file.
    python -c "import json, sys; d = json.load(open(sys.argv[1])); print($2)" "$1"
}

rows() { # Rows FROM to TO, from lines of a label and its words.
    awk -v from="$1" -v to="$2" '{
        for (n = from; n <= to; n++)
            print "message " n ": it is about " $(2 + n % (NF - 1)) "," $1
    }'
}

task() { # A task in a folder of its own, whose rows come on standard input.
    mkdir -p "$1"
    { echo "text,label"; cat; } >"$1/rows.csv"
    printf '%s\n' "name: $1" "inputs: [text]" "target: label" \
        "labels: [return, delivery, account]" "data: rows.csv" "split: $2" \
        "prompt: Label the message as return, delivery or account." >"$1/task.yaml"
}

month() { # The words of a month.
    case $1 in
    0) printf '%s\n' "return refund exchange unworn" "delivery parcel courier tracking" \
        "account password login email" ;;
    1) printf '%s\n' "return scratched snapped faded" "delivery locker drone doorstep" \
        "account passkey authenticator username" ;;
    2) printf '%s\n' "return shrunk frayed mouldy" "delivery customs warehouse pallet" \
        "account newsletter nickname avatar" ;;
    3) printf '%s\n' "return counterfeit recalled leaking" "delivery bicycle neighbour rerouted" \
        "account fingerprint consent deletion" ;;
    esac
}

month 0 | rows 1 30 | task shop "{}"
apo optimize shop -o ape --max-calls 600 --json >optimize.json
for now in ${MONTHS:-1 2 3}; do
    month "$now" | rows 101 130 | { echo "text,correction"; cat; } >"month$now.csv"
    apo feedback shop "month$now.csv" --json >"feedback$now.json"
    apo improve "$shop@champion" shop -o gepa --max-calls 1000 --no-track --json >"improve$now.json"
    month "$now" | rows 201 230 | task "new$now" "{fractions: {train: 0.05, validation: 0.05, test: 0.9}}"
    apo gate "new$now" "$shop@previous" "$shop@champion" --json >"gate$now.json"
    value "improve$now.json" "'month $now:', d['promoted'], 'lost:', d['verdict']['broken']"
    value "gate$now.json" "f'  on new inputs {d[\"old_score\"]:.0%} -> {d[\"new_score\"]:.0%}'"
done

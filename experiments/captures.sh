#!/bin/sh
# What a terminal shows on the way from a CSV to a prompt, as texts to be read line by line.
#
#     sh experiments/captures.sh FOLDER [FILE INPUT TARGET]
#
# Walks in English and Korean, at 80 and 120 columns, become FOLDER/en-80.txt and so on; what the
# live view showed in the middle of a search stands between dashes. Without a FILE a shop's rows are
# made. LANGUAGES, WIDTHS and WALK choose: WALK=short ends with the export. Needs tmux and `apo`.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
given=${2:+$(cd "$(dirname "$2")" && pwd)/$(basename "$2")}
input=${3:-} target=${4:-}
server="captures-$$"
trap 'tmux -L "$server" kill-server 2>/dev/null || true' EXIT
tmux -L "$server" -f /dev/null new-session -d -s base \; set-option -g history-limit 20000 \
    \; set-option -g remain-on-exit on

shop() { # 288 rows of a label and what was written, in a language.
    case $1 in
    ko) printf '%s\n' "배송 택배가|상자가|주문한_책이 아직_안_왔어요|엉뚱한_집에_있어요|늦게_도착했습니다" \
        "환불 신발을|외투를|가방을 돌려보내고_싶어요|환불해_주세요|반품하려고_합니다" \
        "계정 비밀번호를|주소를|아이디를 바꾸고_싶습니다|잊어버렸어요|못_고치겠어요" ;;
    *) printf '%s\n' "delivery parcel|box|book has_not_come|is_at_the_wrong_door|arrived_late" \
        "refund coat|bag|shoe should_go_back|is_to_be_refunded|does_not_fit" \
        "account password|address|user_name is_lost|has_to_be_changed|is_refused" ;;
    esac | awk -v language="$1" '{
        things = split($2, thing, "|"); ends = split($3, end, "|")
        for (n = 1; n <= 96; n++) {
            text = thing[1 + n % things] " " end[1 + int(n / 3) % ends]
            gsub("_", " ", text)
            print (language == "ko" ? n "번 문의: " : "Number " n ": ") text "," $1
        }
    }'
}

see() { # Run a command in a terminal, and write what it showed; the live view's last frame first.
    printf '\n$ %s\n' "$1" >>"$book"
    : >"$work/live"
    printf '%s\n' "cd '$work'" 'export APO_LANG APO_HOME MLFLOW_TRACKING_URI' \
        "APO_LANG=$language APO_HOME=.apo MLFLOW_TRACKING_URI=sqlite:///mlflow.db" \
        "$1" >"$work/command.sh"
    tmux -L "$server" new-session -d -s seen -x "$width" -y 50 "sh '$work/command.sh'"
    while [ "$(tmux -L "$server" display-message -t seen -p '#{pane_dead}')" = 0 ]; do
        sleep 0.2
        tmux -L "$server" capture-pane -t seen -p >"$work/frame"
        if grep -q '^q' "$work/frame" && tail -n 4 "$work/frame" | grep -vq '^q'; then
            cp "$work/frame" "$work/live"
        fi
    done
    if [ -s "$work/live" ]; then
        { echo "--- live ---"; sed '/^$/d' "$work/live"; echo "---"; } >>"$book"
    fi
    tmux -L "$server" capture-pane -t seen -p -S - | sed '/^Pane is dead/d' |
        awk 'NF { while (blank > 0) { print ""; blank-- } print; next } { blank++ }' >>"$book"
    tmux -L "$server" kill-session -t seen
}

for language in ${LANGUAGES:-en ko}; do
    for width in ${WIDTHS:-80 120}; do
        work="$folder/$language-$width" book="$folder/$language-$width.txt"
        rm -rf "$work" && mkdir -p "$work" && : >"$book"
        case $language in
        ko) file=문의.csv text=${input:-내용} team=${target:-담당} task=상담 ask=택배가_늦어요 ;;
        *) file=enquiries.csv text=${input:-text} team=${target:-team} task=desk ask=no_parcel ;;
        esac
        if [ -n "$given" ]; then
            file=$(basename "$given") && cp "$given" "$work/all.csv"
        else
            { echo "$text,$team"; shop "$language"; } >"$work/all.csv"
        fi
        # What came back from use are rows that the task does not have.
        awk 'NR == 1 || NR % 6' "$work/all.csv" >"$work/$file"
        awk 'NR == 1 || NR % 6 == 0' "$work/all.csv" | sed "1s/$team/correction/" >"$work/used.csv"
        echo "{{$text}}" >"$work/old.txt"
        see "apo init $task --data $file --input '$text' --target '$team'"
        see "apo check $task"
        see "apo optimize $task --max-calls 800"
        see "apo report last --out report.html"
        see "apo export last"
        [ "${WALK:-long}" = long ] || continue
        see "apo show last"
        see "apo show last --flips"
        see "apo show last --front"
        see "apo show last --lineage"
        see "apo show last --failures"
        see "apo export last --best --format messages --out new.json"
        see "apo try last --input $ask"
        see "apo gate $task old.txt new.json"
        see "apo ablate last --no-test --max-calls 700"
        see "apo audit last --max-calls 60"
        see "apo transfer last --top 2 --model embedded"
        see "apo evaluate $task --prompt new.json"
        see "apo lint last"
        see "apo tokens last --model openai/gpt-5-mini"
        see "apo runs"
        see "apo feedback $task used.csv"
        see "apo improve last $task --max-calls 400"
        see "apo estimate $task --max-calls 400"
        see "apo resume last"
        see "apo show nothing"
    done
done

#!/bin/sh
# What the differential tester leaves to other tests must be there: of the test programs that it
# names for a form, one at least has the instruction.
: "${SOURCE:?}" "${DIFFERENTIAL:?}"
failures=0
forms=0
list=$("$DIFFERENTIAL" --list) || exit 1
while IFS=: read -r form reason; do
    tests=${reason##*; }
    mnemonic=
    for word in $form; do
        case $word in
        lock | rep | repe | repne | a32) ;;
        *)
            mnemonic=$word
            break
            ;;
        esac
    done
    # the assembler has other suffixes: iretd, insd, sysretq
    case $mnemonic in
    iret* | ins? | outs? | sysret* | sysexit*) pattern="${mnemonic%[bwdq]}[bwlq]?" ;;
    *) pattern="l?$mnemonic[bwlq]?" ;;
    esac
    found=no
    for test in $tests; do
        grep -qiE "\\b$pattern\\b" "$SOURCE/tests/$test.c" && found=yes
    done
    if [ $found = no ]; then
        echo "$form: no test of $mnemonic in $tests"
        failures=$((failures + 1))
    fi
    forms=$((forms + 1))
done <<END
$(printf '%s\n' "$list" | sed -n 's/^elsewhere *//p')
END
echo "$forms forms tested elsewhere, $failures without a test"
[ $failures = 0 ] && [ $forms -gt 0 ]
